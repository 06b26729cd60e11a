// "Learn from them": a copy of the chosen net goes on training, on the visitor's own digits.
import { chosen, isStillChosen } from "./choice.js";
import { foldButton } from "./fold.js";
import { article, capital, percent } from "./format.js";
import { lookedAt } from "./maps.js";
import { ownDigits } from "./own.js";
import { BUSY } from "./question.js";
import { createFollower, isAtWork, stateWords } from "./run.js";
import { h } from "./shared.js";
import { downloadNet } from "./upload.js";
import { setYours, titleOf, yours } from "./yours.js";

// The likeliest of ten probabilities: "a 3 (88.0 %)".
const answerOf = (probs) => {
    const p = Math.max(...probs);
    const digit = probs.indexOf(p);
    return `${article(digit)} ${digit} (${percent(p)})`;
};

// How much it helped: the server's `summary`, and what the net `says` to the drawing before and after.
const helpWords = ({ summary, says: [before, after] }) => {
    const drawing = before
        ? ` Your drawing: now ${answerOf(after)}, previously ${answerOf(before)}.`
        : "";
    return `${capital(summary)}.${drawing}`;
};

// What the visitor is told about a run while it goes.
const goingWords = (run) => {
    const { step, steps } = run.points.at(-1) ?? {};
    if (run.state === "paused") return "Paused.";
    if (run.state !== "training") return stateWords(run);
    if (step === steps) return "Checking how much this helped.";
    return `${capital(titleOf(run.base))} is learning from your ${run.digits} ${run.digits === 1 ? "digit" : "digits"}; every fifth digit of a class is held out.`;
};

export const createTeaching = (server) => {
    let run = null; // the newest
    let asked = false; // the server is asked to begin one
    const status = h("p", { role: "status" });
    const progress = h("progress", { max: 1, value: 0, "aria-label": "Progress", hidden: true });
    const learn = foldButton("Learn from them", () => begin());
    const stop = foldButton("Stop learning", () => follower.tell("stop"));
    const rest = h("small", {}); // the time left
    const use = foldButton("Use it anyway", () => take());
    const leave = foldButton("Keep the net as it was", () => answer("The net was not changed."));
    const offer = h("div", { class: "own-tools", hidden: true }, use, leave);
    const download = foldButton("Download your net", async () => {
        const error = await downloadNet(server, yours().token);
        if (error) status.textContent = error;
    });
    stop.hidden = true;

    const update = () => {
        const working = isAtWork(run);
        const focused = document.activeElement;
        learn.disabled = working || !ownDigits().length;
        stop.hidden = progress.hidden = !working;
        if (focused === learn && working) stop.focus({ preventScroll: true });
        if (focused === stop && !working) learn.focus({ preventScroll: true });
        download.hidden = !yours();
        const { step = 0, steps = 1, left = 0 } = run?.points.at(-1) ?? {};
        progress.value = step / steps;
        rest.textContent = working && left ? `${Math.ceil(left)} s left` : "";
    };
    const answer = (words) => {
        follower.forget();
        offer.hidden = true;
        status.textContent = words;
    };
    const take = (words = "", isChosen = true) => {
        const about = `taught with ${run.digits} of your digits`;
        setYours({ token: run.token, net: run.net, about }, isChosen);
        answer(
            `${words}Your ${run.net} ` +
                (isChosen
                    ? "now reads what you draw; it is chosen at the top."
                    : "can be chosen at the top."),
        );
    };
    const follower = createFollower("taught", server, (now) => {
        if (now !== run) node.closest("details").open = true; // a reload has folded it
        run = now;
        update();
        if (isAtWork(run)) status.textContent = goingWords(run);
        else if (run.lost)
            status.textContent = stateWords(run); // it may be there after a reload
        else if (!run.end?.summary) answer(stateWords(run));
        else if (run.end.forgets) {
            status.textContent = `${helpWords(run.end)} It has become worse on MNIST by more than half a percentage point: check your digits and their labels.`;
            offer.hidden = false;
            follower.note({ offered: true });
        } else take(`${helpWords(run.end)} `, isStillChosen(run.chosen));
    });
    const begin = async () => {
        if (asked) return;
        const [digits, digit, base] = [ownDigits(), lookedAt(), chosen().net];
        asked = true;
        answer("Sending your digits.");
        const found = await server
            .teach({ net: base, digits, digit: digit || null })
            .catch(() => ({ error: BUSY }));
        asked = false;
        if (found.error) {
            status.textContent = found.error;
            update();
            return;
        }
        const { token, net } = found;
        follower.begin({
            token,
            net,
            base: base.includes("@") ? base : net,
            chosen: base,
            digits: digits.length,
            drawn: digit,
        });
    };
    const node = h(
        "div",
        { class: "teach" },
        h(
            "p",
            {},
            "“Learn from them” takes a copy of the net that is chosen at the top (LeNet, if all five are) " +
                "and trains it on your digits, for a few seconds or, if the net is large, up to a minute. MNIST digits are mixed in so " +
                "that it forgets little; every fifth digit of a class is held out, to measure how much this helps.",
        ),
        h("div", { class: "own-tools" }, learn, stop, progress, rest, download),
        status,
        offer,
    );
    // Starts a process, which takes seconds, for a visitor who looks at this.
    const prepare = () => server.prepare({}).catch(() => {});
    return { node, update, prepare };
};
