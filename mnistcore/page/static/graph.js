// The graph behind a number: every candidate as a bar under its ink, the path that was taken, and
// why the others were not.
import { percent } from "./format.js";
import { h } from "./shared.js";
import { putAt, stack } from "./whole.js";
import { titleOf } from "./yours.js";

const GAP = 0.005; // of the picture's width, between two bars of a row
const NARROWEST = 0.05; // of the picture's width: on a phone, no bar is narrower
const LEAST = 0.0005; // of a probability: smaller ones would be written as 0.0 %
const SHIFTS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

// What counts against a candidate, by the names of its costs in candidates.py.
const REASONS = {
    nets: "doubt about what it is",
    shape: "its shape",
    joins: "gaps between its strokes",
    stacked: "other ink above or below it",
    "not a sign": "it looks like a sign",
    sign: "its shape and place",
    cut: "a cut through the ink",
    "left out": "ink that is left out",
};
const SIGNS = {
    "-": "a dash",
    "/": "a slash",
    ".": "a point",
    ",": "a comma",
    ":": "a colon",
};

const cost = (number) => number.toFixed(1);

const nameOf = ({ kind, text }) =>
    kind === "nothing" ? "a stray stroke" : kind === "sign" ? SIGNS[text] : text;

// Sentences: what it may be, and whether the path takes it.
export const candidateWords = (candidate, model) => {
    const { kind, probs, sure, costs, chosen, read, more } = candidate;
    const name = nameOf(candidate);
    const first = name[0].toUpperCase() + name.slice(1);
    const others = probs
        .slice(1)
        .filter(([, prob]) => prob > LEAST)
        .map(([digit, prob]) => `${digit}: ${percent(prob)}`);
    const whose = model === "all" ? "the nets give" : `${titleOf(model)} gives`;
    const may = {
        digit: `${first}: ${whose} it ${percent(sure)}${others.length ? ` (${others.join(", ")})` : ""}.`,
        sign: `${first}: its shape and place give it ${percent(sure)}.`,
        nothing: `${first}: not part of a digit.`,
    }[kind];
    const against = Object.entries(costs)
        .sort(([, a], [, b]) => b - a)
        .map(([reason, number]) => `${REASONS[reason]} (${cost(number)})`);
    const counts = against.length ? ` Against it: ${against.join(", ")}.` : "";
    if (chosen) return `${may}${counts} On the path.`;
    if (read === null) return `${may}${counts} No path continues from it.`;
    const instead = read
        ? `with it, the line would read ${read}`
        : "with it, nothing would be read";
    return `${may}${counts} Rejected: ${instead}, which costs ${cost(more)} more.`;
};

// The order of the bars: the path from left to right, then what was rejected.
export const ordered = (candidates) =>
    [...candidates].sort((a, b) => b.chosen - a.chosen || a.box[0] - b.box[0]);

// The row of each bar: the first in which nothing is in its way.
export const rowsOf = (candidates, width) => {
    const ends = []; // of each row, its bars
    return candidates.map(({ box, chosen }) => {
        const [left, gap] = [box[0], GAP * width];
        const right = Math.max(box[2], left + NARROWEST * width);
        const free = (bars) => bars.every(([a, b]) => right + gap <= a || left >= b + gap);
        let row = chosen ? 0 : 1;
        while (ends[row] && !free(ends[row])) row++;
        ends[row] ??= [];
        ends[row].push([left, right]);
        return row;
    });
};

export const createGraph = () => {
    const view = h("div", { class: "graph-view" });
    const words = h("p", { class: "graph-words", "aria-live": "polite" });
    const node = h(
        "div",
        { class: "graph", hidden: true },
        h("h3", {}, "Which strokes belong to one digit?"),
        h(
            "p",
            {},
            "Every likely join and cut of the strokes is a candidate, and the nets score each one. " +
                "The answer is the path from left to right with the lowest cost. A cost is the negative " +
                "logarithm of a probability: 0 is certain, 2.3 is one in ten. Point at a candidate to " +
                "see what counts for and against it.",
        ),
        view,
        words,
    );
    const marks = h("i", { class: "graph-mark", hidden: true });
    let bars = [];
    let model = "";

    const look = (bar) => {
        for (const one of bars) {
            const same = one === bar;
            one.node.classList.toggle("looked-at", same);
            one.node.tabIndex = same ? 0 : -1;
        }
        marks.hidden = false;
        marks.classList.toggle("rejected", !bar.candidate.chosen);
        putAt(marks, bar.candidate.box, bar.size);
        words.textContent = candidateWords(bar.candidate, model);
    };
    const move = (event) => {
        const at = bars.findIndex((bar) => bar.node === event.target);
        const next = bars[at + (SHIFTS[event.key] ?? Number.NaN)];
        if (!next) return;
        event.preventDefault();
        next.node.focus();
    };
    const createBar = (candidate, row, size) => {
        const [left, , right] = candidate.box;
        const bar = { candidate, size };
        const state = candidate.chosen ? "on the path" : "rejected";
        bar.node = h(
            "button",
            {
                type: "button",
                class: `candidate ${candidate.chosen ? "chosen" : "rejected"}`,
                "aria-label": `${nameOf(candidate)}, ${state}`,
                tabindex: -1,
                onclick: () => look(bar),
                onfocus: () => look(bar),
                onpointerenter: () => look(bar),
                onkeydown: move,
            },
            candidate.text || "×",
        );
        bar.node.style.left = `${(100 * left) / size[0]}%`;
        bar.node.style.width = `${(100 * (right - left)) / size[0]}%`;
        bar.node.style.setProperty("--row", row);
        return bar;
    };
    return {
        node,
        show: ({ graph = [], ink, size, model: now }) => {
            model = now;
            // A digit of one stroke has no other candidate.
            node.hidden = !graph.some((line) => line.some(({ chosen }) => !chosen));
            words.textContent = "";
            marks.hidden = true;
            bars = [];
            view.replaceChildren();
            if (node.hidden) return;
            const image = h("img", { src: ink, alt: "The ink" });
            const lanes = graph.map((line, i) => {
                const inOrder = ordered(line);
                const rows = rowsOf(inOrder, size[0]);
                const own = inOrder.map((candidate, k) => createBar(candidate, rows[k], size));
                bars.push(...own);
                const lane = h(
                    "div",
                    {
                        class: "graph-lane",
                        role: "group",
                        "aria-label": graph.length > 1 ? `Line ${i + 1}` : "Candidates",
                    },
                    ...own.map((bar) => bar.node),
                );
                lane.style.setProperty("--rows", Math.max(...rows) + 1);
                return lane;
            });
            view.append(stack(size, image, marks), ...lanes);
            bars[0].node.tabIndex = 0;
        },
    };
};
