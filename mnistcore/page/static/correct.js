// Below the answer: what the digit really is. It joins the visitor's own digits. Also leads through
// drawing some of each.
import { foldButton } from "./fold.js";
import { article, packBytes, unpack } from "./format.js";
import { addDigits, countOf, MOST, ownDigits } from "./own.js";
import { h, hear, say } from "./shared.js";

const EACH = 10; // digits of each class, that the page leads through

// The class to draw next, from 0 to 9 in turn; null if there are enough of all.
export const nextLabel = (count) => {
    const counts = Array.from({ length: 10 }, (_, label) => count(label));
    const fewest = Math.min(...counts);
    return fewest >= EACH ? null : counts.indexOf(fewest);
};

export default ({ element }) => {
    let image = null; // the digit that is looked at: ink as base64 of uint8
    let guided = false;
    const status = h("span", { role: "status" });
    const buttons = Array.from({ length: 10 }, (_, label) =>
        h("button", { type: "button", onclick: () => keepAs(label) }, label),
    );
    const wrong = h(
        "div",
        { class: "correct", role: "group", "aria-label": "Correct the answer", hidden: true },
        h("span", {}, "Wrong? It is a"),
        ...buttons,
    );
    const task = h("p", { role: "status" });
    const next = foldButton("Keep it, next", () => {
        keepAs(nextLabel(countOf));
        say("clear");
        lead();
    });
    const end = foldButton("Stop", () => guide(false));
    const guiding = h("div", { class: "guide", hidden: true }, task, next, end);
    element.append(wrong, guiding, h("p", { class: "correct-status" }, status));

    const refresh = () => {
        wrong.hidden = guided || !image;
        guiding.hidden = !guided;
        next.disabled = !image;
    };
    const keepAs = (label) => {
        if (ownDigits().length >= MOST) {
            status.textContent = `You have ${MOST} digits, which is all that is kept. Delete some first.`;
            return;
        }
        addDigits([{ label, image }]);
        if (!guided) status.textContent = `Kept among your digits as ${article(label)} ${label}.`;
    };
    const guide = (on) => {
        guided = on;
        status.textContent = "";
        refresh();
    };
    const lead = () => {
        const label = nextLabel(countOf);
        if (label === null) {
            guide(false);
            status.textContent = `You have ${EACH} of each.`;
            return;
        }
        task.textContent = `Draw ${article(label)} ${label} (${countOf(label) + 1} of ${EACH}).`;
    };
    hear(element, "guide", () => {
        guide(true);
        say("clear");
        lead();
    });
    hear(element, "looked-at", (data) => {
        const now = data.rows ? data.digit : null;
        const ink = now && packBytes(unpack(now).map((x) => 255 * x));
        if (ink !== image) status.textContent = "";
        image = ink;
        refresh();
    });
};
