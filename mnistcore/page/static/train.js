// The Train tab: a visitor trains a net and watches it learn.
import { chosen, isStillChosen } from "./choice.js";
import { whenRestyled } from "./colours.js";
import { foldButton } from "./fold.js";
import { grouped } from "./format.js";
import { createLearning } from "./learning.js";
import { lookedAt } from "./maps.js";
import { BUSY, createQuestion } from "./question.js";
import { createFollower, isAtWork, stateWords } from "./run.js";
import { createWhenSeen } from "./seen.js";
import { createSettings } from "./settings.js";
import { h, hear } from "./shared.js";
import { downloadNet, tooLarge, upload } from "./upload.js";
import { setYours, yours } from "./yours.js";

const NOT_SENT = "The file could not be sent. Check your connection and try again.";

const percents = (x) => `${(100 * x).toFixed(2)} %`;

// How a net came to be, in words.
export const aboutWords = ({ file, points, trainedOn, of = "" }) => {
    if (file) return `uploaded: ${file}`;
    const epochs = Number(points.at(-1).epoch.toFixed(1));
    return `trained here: ${epochs} ${epochs === 1 ? "epoch" : "epochs"} on ${grouped(trainedOn)} images${of}`;
};

// How fast it goes and how long it takes, of at most `most` seconds.
export const speedWords = ({ epoch, images, left, seconds }, epochs, most) => {
    const rate = images / seconds;
    const rest = Math.min(left / rate, most - seconds);
    return (
        `Epoch ${epoch.toFixed(2)} of ${epochs} · ${grouped(rate)} images/s · ` +
        `${Math.ceil(Math.max(0, rest))} s left`
    );
};

export default ({ element, props, server }) => {
    const { mostSeconds, mostImages, mostPaused, mostBytes, own } = props;
    let run = null; // what is shown
    let before = null; // the run before it
    const learning = createLearning(element);
    const state = h("p", { class: "train-state", role: "status" });
    const speed = h("p", { class: "train-speed" });
    const result = h("p", { class: "train-result", "aria-live": "polite" });
    const line = h("code", {});
    const question = createQuestion((choices) => server.command(choices));
    const tellState = () => {
        state.textContent = run ? stateWords(run, mostPaused) : "";
    };
    const settings = createSettings(props, (choices) => {
        if (!isAtWork(run)) tellState(); // instead of a refusal
        question.ask(choices, (found) => {
            const flags = (found?.command ?? found?.error ?? "…").split(/ (?=--)/);
            line.replaceChildren(...flags.flatMap((flag) => [h("span", {}, flag), " "]));
        });
    });
    const [start, pause, stop, test, download] = [
        foldButton("Start", () => begin()),
        foldButton("Pause", () => {
            follower.tell(run.state === "paused" ? "go" : "pause");
        }),
        foldButton("Stop", () => follower.tell("stop")),
        foldButton("Read the test set, once", () => {
            follower.note({ testAsked: true });
            follower.tell("test");
        }),
        foldButton("Download the net", async () => {
            const error = await downloadNet(server, run.token);
            usage.hidden = Boolean(error);
            if (error) state.textContent = error;
        }),
    ];
    const usage = h(
        "p",
        { hidden: true },
        "Unpack it into a folder named mine. Then start the page with it: ",
        h("code", {}, "python demo.py --weights mine"),
    );
    start.classList.add("train-start");
    const file = h("input", {
        type: "file",
        accept: ".pt,.zip",
        "aria-label": "Net to upload",
        hidden: true,
        onchange: () => {
            if (file.files[0]) send(file.files[0]);
            file.value = ""; // so that the same file can be chosen again
        },
    });
    const uploading = foldButton("Upload a net", () => file.click());

    const update = () => {
        const working = isAtWork(run);
        start.disabled = uploading.disabled = working;
        pause.disabled = !["training", "paused"].includes(run?.state);
        stop.disabled = !working || run.state === "testing";
        pause.textContent = run?.state === "paused" ? "Continue" : "Pause";
        tellState();
        const last = run?.points.at(-1);
        const goes = ["training", "paused"].includes(run?.state);
        speed.textContent = last && goes ? speedWords(last, run.epochs, mostSeconds) : "";
        const { val_errors: errors, val_n: n } = run?.end ?? {};
        const { errors: wrong, n: all, interval } = run?.test ?? {};
        result.textContent = [
            n &&
                `${run.file ? `${run.file}: ` : ""}${grouped(errors)} of ${grouped(n)} validation digits are misread: ${percents(1 - errors / n)} right.`,
            run?.isYours &&
                run.state !== "gone" &&
                yours() &&
                (yours().token === run.token
                    ? "It can be chosen at the top as “Yours”."
                    : "Another net is “Yours” now."),
            run?.testAsked && run.state === "ended" && !all && "The test set was not read.",
            all &&
                `Test set: ${grouped(wrong)} of ${grouped(all)} wrong, ${percents(1 - wrong / all)} right; the 95 % interval is ${percents(interval[0])} to ${percents(interval[1])}.`,
        ]
            .filter(Boolean)
            .join(" ");
        const tested = run?.end?.data === "MNIST" || (own?.hasTest && run?.end?.data === own.name);
        test.hidden = run?.state !== "ended" || !n || Boolean(all) || !tested;
        download.hidden = run?.state !== "ended" || !n;
        usage.hidden ||= download.hidden;
        training.hidden = Boolean(run?.file); // what was uploaded has no curves
        if (!run?.file) learning.draw(run, before);
    };
    const show = (details) => {
        if (run?.points.length) before = run;
        follower.begin({ ...details, chosen: chosen().net });
    };
    const begin = async () => {
        if (!settings.isValid()) return;
        const choices = settings.read();
        start.disabled = true;
        const digit = lookedAt();
        const found = await server.start({ choices, digit: digit || null }).catch(() => null);
        if (!found?.token) {
            start.disabled = false;
            state.textContent = found?.error ?? BUSY;
            return;
        }
        const { net, epochs, data } = choices;
        const of = data ? ` of ${own.name}` : "";
        const trainedOn = settings.trainedOn();
        show({ token: found.token, net, epochs, trainedOn, of, drawn: digit });
    };
    const send = async (picked) => {
        const large = tooLarge(picked.size, mostBytes, "Nets");
        if (large) {
            state.textContent = large;
            return;
        }
        start.disabled = uploading.disabled = true;
        state.textContent = "Uploading.";
        const path = await upload(picked).catch(() => null);
        const found = path && (await server.upload({ path }).catch(() => ({ error: BUSY })));
        if (found?.token) {
            show({ ...found, file: picked.name });
            return;
        }
        update();
        state.textContent = found?.error ? `${picked.name}: ${found.error}` : NOT_SENT;
    };
    const follower = createFollower("trained", server, (now) => {
        run = now;
        if (run.state === "ended" && run.end.val_n && !run.isYours) {
            follower.note({ isYours: true }); // once: afterwards the visitor may choose another
            const made = { token: run.token, net: run.net, about: aboutWords(run) };
            setYours(made, isStillChosen(run.chosen));
        }
        update();
    });

    const training = h("section", { "aria-label": "Training" }, learning.node);
    element.append(
        h(
            "div",
            { class: "train" },
            h(
                "section",
                { class: "train-choices", "aria-label": "Settings" },
                h("h2", {}, "Train a net"),
                h(
                    "p",
                    {},
                    `On the training images of MNIST${own ? ` or ${own.name}` : ""}, for at most ${mostSeconds} seconds and ${grouped(mostImages)} images.`,
                ),
                settings.node,
                h("div", { class: "train-buttons" }, start, pause, stop),
                state,
                speed,
                result,
                h("div", { class: "train-buttons" }, test, download, uploading, file),
                usage,
                h(
                    "details",
                    { class: "train-command" },
                    h("summary", {}, "Use the same settings on the command line"),
                    line,
                ),
            ),
            training,
        ),
    );
    whenRestyled(update);
    createWhenSeen(element)(() => server.prepare({}).catch(() => {}));
    update();
    hear(element, "yours", update);
};
