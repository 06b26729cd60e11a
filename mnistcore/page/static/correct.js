// Below the answer: what the digit really is. It joins the visitor's own digits. Also leads through
// drawing some of each.
import { foldButton } from "./fold.js";
import { article, packBytes, unpack } from "./format.js";
import { addDigits, countOf, digitsLast, MOST } from "./own.js";
import { h, hear, say } from "./shared.js";

const EACH = 10; // digits of each class, that the page leads through
const FULL = `You have ${MOST} digits, the most that can be kept. Delete some first.`;

// The class to draw next, from 0 to 9 in turn; null if there are enough of all.
export const nextLabel = (count) => {
    const counts = Array.from({ length: 10 }, (_, label) => count(label));
    const fewest = Math.min(...counts);
    return fewest >= EACH ? null : counts.indexOf(fewest);
};

export default ({ element }) => {
    let image = null; // the digit that is looked at: ink as base64 of uint8
    let alone = false; // it is the only one on the canvas
    let answered = 0; // number of the drawing that it comes from,
    let sent = 0; // and of the newest one
    let wanted = null; // the class that the page asks for; null if it does not lead
    const status = h("span", { role: "status" });
    const buttons = Array.from({ length: 10 }, (_, label) =>
        h("button", { type: "button", onclick: () => correct(label) }, label),
    );
    const wrong = h(
        "div",
        { class: "correct", role: "group", "aria-label": "Correct the answer", hidden: true },
        h("span", {}, "Wrong? It is:"),
        ...buttons,
    );
    const task = h("p", { role: "status" });
    const next = foldButton("Keep it and continue", () => {
        if (!addDigits([{ label: wanted, image }])) {
            task.textContent = FULL;
            return;
        }
        say("clear");
    });
    const end = foldButton("Stop", () => stop());
    const guiding = h("div", { class: "guide", hidden: true }, task, next, end);
    element.append(wrong, guiding, h("p", { class: "correct-status" }, status));

    const refresh = () => {
        const late = answered < sent; // the answer to the newest stroke is on its way
        wrong.hidden = wanted !== null || !image;
        guiding.hidden = wanted === null;
        for (const button of buttons) button.disabled = late;
        next.disabled = late || !image || !alone;
    };
    const correct = (label) => {
        const lasting = () =>
            digitsLast()
                ? ""
                : " This browser stores nothing: export your digits before you close the page.";
        status.textContent = addDigits([{ label, image }])
            ? `Added to your digits as ${article(label)} ${label}.${lasting()}`
            : FULL;
    };
    const stop = (words = "") => {
        wanted = null;
        status.textContent = words;
        refresh();
    };
    const lead = () => {
        const label = nextLabel(countOf);
        if (label === null) {
            stop(`You have ${EACH} of each.`);
            return;
        }
        wanted = label;
        task.textContent = `Draw ${article(label)} ${label} (${countOf(label) + 1} of ${EACH}).`;
        refresh();
    };
    hear(element, "guide", () => {
        status.textContent = "";
        say("clear");
        lead();
    });
    hear(element, "own-digits", () => {
        if (wanted !== null) lead();
    });
    hear(element, "example", () => stop()); // the tour begins
    hear(element, "sent", (number = 0) => {
        sent = number;
        refresh();
    });
    hear(element, "looked-at", (data) => {
        const now = data.rows ? data.digit : null;
        const ink = now && packBytes(unpack(now).map((x) => 255 * x));
        if (ink !== image) status.textContent = "";
        image = ink;
        alone = data.digits?.length === 1 && data.number !== undefined;
        answered = data.number ?? sent; // what is uploaded has no number
        refresh();
    });
};
