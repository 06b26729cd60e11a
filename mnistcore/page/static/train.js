// The Train tab: a visitor trains a net and watches it learn.
import { whenRestyled } from "./colours.js";
import { foldButton } from "./fold.js";
import { grouped } from "./format.js";
import { createLearning } from "./learning.js";
import { lookedAt } from "./maps.js";
import { createQuestion } from "./question.js";
import { saveZip } from "./save.js";
import { createWhenSeen } from "./seen.js";
import { createSettings } from "./settings.js";
import { h, hear } from "./shared.js";
import { tooLarge, upload } from "./upload.js";
import { setYours } from "./yours.js";

const AT_WORK = ["waiting", "starting", "training", "paused", "testing"];
const EVERY = 200; // milliseconds between two questions about a training
const BUSY = "The server is busy. Please try again.";
const NOT_SENT = "The file could not be sent. Check your connection and try again.";
const FILE = "my-net.zip";
const TRIES = 15; // questions in a row that may fail

const wait = () => new Promise((resolve) => setTimeout(resolve, EVERY));

const percents = (x) => `${(100 * x).toFixed(2)} %`;

// Where a run is, in words. `place` is that in the line, `file` what was uploaded instead of trained,
// `mostPaused` in seconds.
export const stateWords = ({ state, place, end, file }, mostPaused) => {
    const ends = {
        uploaded: `Uploaded: ${file}.`,
        finished: "Finished.",
        stopped: "Stopped.",
        "time is up": "The time is up.",
        diverged: "The loss is no longer a number: the training has diverged.",
    };
    return {
        waiting: `Waiting: number ${place} in the line.`,
        starting: "Getting ready: a few seconds.",
        training: "Training.",
        paused: `Paused, for ${mostPaused} s at most.`,
        testing: "Reading the test set.",
        ended: ends[end?.ended] ?? ends.stopped,
        failed: file
            ? `No threshold could be chosen for ${file}. Please upload it again.`
            : "The training broke off. Please start it again.",
        gone: "The training has ended, because the server did not hear from this page.",
    }[state];
};

// How a net came to be, in words.
export const aboutWords = ({ file, points, trainedOn }) =>
    file
        ? `uploaded: ${file}`
        : `trained here: ${Number(points.at(-1).epoch.toFixed(1))} epochs on ${grouped(trainedOn)} images`;

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
    const { mostSeconds, mostImages, mostPaused, mostBytes } = props;
    let digit = lookedAt(); // packed, what has been drawn; "" without
    let run = null; // what is shown
    let before = null; // the run before it
    let command = null; // what the server is told next
    const learning = createLearning(element);
    const state = h("p", { class: "train-state", role: "status" });
    const speed = h("p", { class: "train-speed" });
    const result = h("p", { class: "train-result", "aria-live": "polite" });
    const line = h("code", {});
    const question = createQuestion((choices) => server.command(choices));
    const settings = createSettings(props, (choices) =>
        question.ask(choices, (found) => {
            const flags = (found?.command ?? found?.error ?? "…").split(/ (?=--)/);
            line.replaceChildren(...flags.flatMap((flag) => [h("span", {}, flag), " "]));
        }),
    );
    const [start, pause, stop, test, download] = [
        foldButton("Start", () => begin()),
        foldButton("Pause", () => {
            command = run.state === "paused" ? "go" : "pause";
        }),
        foldButton("Stop", () => {
            command = "stop";
        }),
        foldButton("Read the test set, once", () => {
            command = "test";
            run.state = "testing";
            update();
            attend(run);
        }),
        foldButton("Download the net", async () => {
            const { zip, error } = await server
                .download({ token: run.token })
                .catch(() => ({ error: BUSY }));
            if (zip) saveZip(zip, FILE);
            usage.hidden = !zip;
            if (error) state.textContent = error;
        }),
    ];
    const usage = h(
        "p",
        { hidden: true },
        "Unpack it into a folder, mine. Then it reads for you: ",
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
        const working = AT_WORK.includes(run?.state);
        start.disabled = uploading.disabled = working;
        pause.disabled = !["training", "paused"].includes(run?.state);
        stop.disabled = !working || run.state === "testing";
        pause.textContent = run?.state === "paused" ? "Go on" : "Pause";
        state.textContent = run ? stateWords(run, mostPaused) : "";
        const last = run?.points.at(-1);
        const goes = ["training", "paused"].includes(run?.state);
        speed.textContent = last && goes ? speedWords(last, run.epochs, mostSeconds) : "";
        const { val_errors: errors, val_n: n } = run?.end ?? {};
        const { errors: wrong, n: all, interval } = run?.test ?? {};
        result.textContent = [
            n &&
                `${grouped(errors)} of ${grouped(n)} validation digits are read wrong: ${percents(1 - errors / n)} right.`,
            run?.isYours && "It is chosen at the top, as yours, and reads what you draw.",
            all &&
                `Test set: ${grouped(wrong)} of ${grouped(all)} wrong, ${percents(1 - wrong / all)} right; the 95 % interval is ${percents(interval[0])} to ${percents(interval[1])}.`,
        ]
            .filter(Boolean)
            .join(" ");
        test.hidden = run?.state !== "ended" || !n || Boolean(all);
        download.hidden = run?.state !== "ended" || !n;
        usage.hidden ||= download.hidden;
        learning.draw(run, before);
    };
    const take = (mine, { points = [], images = [], newest = {}, ...rest }) => {
        Object.assign(mine, rest);
        mine.points.push(...points);
        for (const { index, bytes } of images) mine.images.set(index, bytes);
        Object.assign(mine.newest, newest);
        if (mine.state === "ended" && mine.end.val_n && !mine.isYours) {
            mine.isYours = true; // once: afterwards the visitor may choose another
            setYours({ token: mine.token, net: mine.net, about: aboutWords(mine) });
        }
        update();
    };
    // As long as this question is open, the server knows that somebody is there.
    const stay = async (mine) => {
        while (mine === run && AT_WORK.includes(mine.state)) {
            await server.stay({ token: mine.token }).catch(() => {});
            await wait();
        }
    };
    // Asks the server about a run until it has ended.
    const follow = async (mine) => {
        let failed = 0;
        while (mine === run && AT_WORK.includes(mine.state)) {
            const told = command;
            const drawn = digit && digit !== mine.drawn ? digit : null;
            const seen = [mine.points.length, mine.images.size];
            const question = { token: mine.token, seen, command: told, digit: drawn };
            let answer = await server.status(question).catch(() => null);
            failed = answer ? 0 : failed + 1;
            if (failed === TRIES) answer = { state: "gone" };
            if (answer && mine === run) {
                if (command === told) command = null;
                if (drawn) mine.drawn = drawn;
                take(mine, answer);
            }
            await wait();
        }
    };
    const attend = (mine) => {
        stay(mine);
        follow(mine);
    };
    const show = (details) => {
        if (run?.points.length) before = run;
        run = {
            state: "starting",
            points: [],
            images: new Map(),
            newest: {},
            drawn: digit,
            ...details,
        };
        command = null;
        update();
        attend(run);
    };
    const begin = async () => {
        if (!settings.isValid()) return;
        const choices = settings.read();
        start.disabled = true;
        const found = await server.start({ choices, digit: digit || null }).catch(() => null);
        if (!found?.token) {
            start.disabled = false;
            state.textContent = found?.error ?? BUSY;
            return;
        }
        const { net, epochs, images: trainedOn } = choices;
        show({ token: found.token, net, epochs, trainedOn });
    };
    const send = async (chosen) => {
        const large = tooLarge(chosen.size, mostBytes, "Nets");
        if (large) {
            state.textContent = large;
            return;
        }
        start.disabled = uploading.disabled = true;
        state.textContent = "Uploading.";
        const path = await upload(chosen).catch(() => null);
        const found = path && (await server.upload({ path }).catch(() => ({ error: BUSY })));
        if (found?.token) {
            show({ ...found, file: chosen.name });
            return;
        }
        update();
        state.textContent = found?.error ?? NOT_SENT;
    };

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
                    `On MNIST’s training images, for at most ${mostSeconds} seconds and ${grouped(mostImages)} images.`,
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
            h("section", { "aria-label": "Training" }, learning.node),
        ),
    );
    hear(element, "looked-at", () => {
        digit = lookedAt();
    });
    whenRestyled(update);
    createWhenSeen(element)(() => server.prepare({}).catch(() => {}));
    update();
};
