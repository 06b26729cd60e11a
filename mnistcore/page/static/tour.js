// A short tour through the page, which draws an example and follows it from the pen to the answer.
import { foldButton } from "./fold.js";
import { WORDS as MAPS_WORDS } from "./layer.js";
import { h, say } from "./shared.js";

// Where it stops: the part of the page, whether that part is folded, a title and a few sentences.
const STATIONS = [
    {
        part: "#input",
        title: "Draw",
        words: "Draw a digit, or upload a picture. If the canvas is empty, the tour draws a 3. Everything below is computed again with each stroke.",
    },
    {
        part: "#answer",
        title: "The answer",
        words: "Five nets read the digit. A net never just says 3: it gives each of the ten digits a probability, and the largest is its answer. Choose a net at the top, or all five.",
    },
    {
        part: "#steps",
        title: "From picture to digit",
        words: "The nets learned from digits of 28×28 pixels, all framed alike. So your ink is found, cut out, scaled and centred in the same way.",
    },
    {
        part: "#why",
        folded: true,
        title: "Why this digit?",
        words: "Red ink supports the answer, blue ink another digit. Choose any other digit to ask why it is not that one.",
    },
    {
        part: "#change",
        folded: true,
        title: "What would change it?",
        words: "Turn the digit, make it thicker, draw single pixels, and see where the answer flips. That shows what a net relies on, and how it can be fooled.",
    },
    {
        part: "#atlas",
        folded: true,
        title: "Which digits does it resemble?",
        words: "These are the training digits that the net finds most like yours. On the map, digits that look alike to the net lie close together. Where it is unsure, the nearest ones come from two clusters.",
    },
    {
        part: "#maps",
        title: "What the layers see",
        words: MAPS_WORDS,
    },
    {
        part: "#slide",
        folded: true,
        title: "How a kernel works",
        words: "Press Play: the kernel slides over the input, multiplies number by number and adds up the products. Every number in every map is computed this way.",
    },
    {
        part: "#units",
        folded: true,
        title: "From the maps to the answer",
        words: "Each unit multiplies the numbers before it by weights and adds up the products. Softmax turns the last ten sums into probabilities. Follow a product back, step by step, to one of your pixels.",
    },
];

export default ({ element }) => {
    const start = foldButton("Take the tour", () => open());
    const [title, words, count] = [h("h2", { id: "tour-title" }), h("p", {}), h("span", {})];
    const back = foldButton("Back", () => go(at - 1));
    const next = foldButton("Next", () => (at === STATIONS.length - 1 ? close() : go(at + 1)));
    const end = foldButton("End the tour", () => close());
    const card = h(
        "div",
        { class: "tour-card", role: "dialog", "aria-labelledby": "tour-title", hidden: true },
        h("div", { "aria-live": "polite" }, title, words),
        h("div", { class: "tour-buttons" }, count, back, next, end),
    );
    element.append(h("p", { class: "tour" }, start), card);
    let at = 0;
    let part = null; // of the page
    let unfolded = null; // by the tour

    const leave = () => {
        part?.classList.remove("toured");
        if (unfolded) unfolded.open = false;
        part = unfolded = null;
    };
    const go = (to) => {
        leave();
        at = to;
        const station = STATIONS[at];
        part = document.querySelector(station.part);
        const details = station.folded ? part.querySelector("details") : null;
        if (details && !details.open) {
            details.open = true;
            unfolded = details;
        }
        part.classList.add("toured");
        part.scrollIntoView({ block: "start" });
        [title.textContent, words.textContent] = [station.title, station.words];
        count.textContent = `${at + 1} of ${STATIONS.length}`;
        if (at === 0) next.focus({ preventScroll: true }); // a disabled button would lose the focus
        back.disabled = at === 0;
        next.textContent = at === STATIONS.length - 1 ? "Done" : "Next";
    };
    const open = () => {
        say("example");
        card.hidden = false;
        go(0);
        next.focus({ preventScroll: true });
    };
    const close = () => {
        leave();
        card.hidden = true;
        start.focus();
    };
    document.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || card.hidden || !element.isConnected) return;
        event.preventDefault();
        close();
    });
};
