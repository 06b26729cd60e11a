// How the picture was read: one small picture per step, with boxes to choose a digit by.
import { createGraph } from "./graph.js";
import { h, hear, say, show } from "./shared.js";
import { putAt, stack } from "./whole.js";

// Of the digits' pieces, in turn.
const PIECES = [
    "#e8b04a",
    "#5aa9e6",
    "#7cc47f",
    "#e07a9b",
    "#b197e8",
    "#e58a52",
    "#4fc1b6",
    "#c9c95a",
];

const PRINTED = "What was printed on the paper, shown in blue, is removed.";

// Title and words of each step.
const texts = ({ box, side }) => [
    ["Picture", "The picture as received."],
    ["Ink", "What stands out from the paper, light on dark like MNIST’s digits."],
    ["Pieces", "The nets read one digit at a time, so the ink is split into digits."],
    [
        `${box}×${box} box`,
        `Scaled so that the longer side is ${box} pixels, like all of MNIST’s digits.`,
    ],
    [
        `${side}×${side}, centred`,
        "Shifted so that the centre of mass is in the middle, as in MNIST. This is what the nets see.",
    ],
];

const picture = (source, label, pixels) =>
    h("img", { src: source, alt: label, class: pixels ? "pixels" : "" });

// Of all digits, as buttons over the picture.
const boxes = ({ digits, size }, chosen, verdicts) =>
    digits.map((digit, i) => {
        const isDigit = digit.verdict !== verdicts.notADigit;
        const box = h(
            "button",
            {
                type: "button",
                class: `box ${digit.verdict.replaceAll(" ", "-")}`,
                "aria-label": `Look at digit ${i + 1}: ${isDigit ? digit.label : digit.verdict}`,
                "aria-pressed": String(i === chosen),
                onclick: () => say("digit", i),
            },
            h("span", { "aria-hidden": "true" }, isDigit ? digit.label : "·"),
        );
        putAt(box, digit.box, size);
        return box;
    });

// Pieces come as a picture whose grey is the number of the digit; each gets a colour of its own.
const pieces = (source) => {
    const canvas = h("canvas", { role: "img", "aria-label": "The pieces, each digit in a colour" });
    const image = new Image();
    image.onload = () => {
        canvas.width = image.width;
        canvas.height = image.height;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const pixels = context.getImageData(0, 0, image.width, image.height);
        for (let i = 0; i < pixels.data.length; i += 4) {
            const piece = pixels.data[i];
            const hex = piece ? PIECES[(piece - 1) % PIECES.length].slice(1) : "0";
            const colour = Number.parseInt(hex, 16);
            pixels.data[i] = colour >> 16;
            pixels.data[i + 1] = (colour >> 8) & 255;
            pixels.data[i + 2] = colour & 255;
        }
        context.putImageData(pixels, 0, 0);
    };
    image.src = source;
    return canvas;
};

// The words of the third step.
export const piecesWords = (count, signs = 0) => {
    if (!count) return "No digit was found.";
    const found = count > 1 ? `${count} digits` : "One digit";
    const more = signs ? ` and ${signs} sign${signs > 1 ? "s" : ""}` : "";
    const colours = count > 1 ? ", each digit in its own colour" : "";
    return `${found}${more} ${count + signs > 1 ? "were" : "was"} found${colours}.`;
};

// The cards of the steps: `fill(i, nodes, words)` shows one, with its own words by default.
const createCards = (steps) => {
    const cards = steps.map(([title]) => {
        const frame = h("div", { class: "step-frame" });
        const line = h("p", {});
        return { frame, line, node: h("li", { class: "step" }, frame, h("h3", {}, title), line) };
    });
    return {
        node: h("ol", { class: "steps" }, ...cards.map(({ node }) => node)),
        fill: (i, nodes = [], words = steps[i][1]) => {
            cards[i].frame.replaceChildren(...nodes);
            cards[i].line.textContent = words;
        },
    };
};

export default (component) => {
    const { element, props } = component;
    const steps = texts(props);
    const { node, fill } = createCards(steps);
    const notes = h("ul", { class: "notes" });
    const graph = createGraph();
    const label = "How the picture was read";
    const root = h("section", { "aria-label": label }, node, notes, graph.node);
    element.append(root);

    let data = {};
    let chosen = 0; // the digit that is looked at

    const drawDigit = () => {
        root.querySelectorAll(".box").forEach((box, i) => {
            box.setAttribute("aria-pressed", String(i === chosen));
        });
        const digit = data.digits?.[chosen];
        if (!digit) {
            fill(3);
            fill(4);
            return;
        }
        const [width, height] = digit.fitted_size;
        const fitted = picture(digit.fitted, "The digit alone", true);
        fitted.style.width = `${(100 * width) / props.box}%`;
        fitted.style.height = `${(100 * height) / props.box}%`;
        const label = `What the nets see, ${props.side} by ${props.side} pixels`;
        const seen = picture(digit.image, label, true);
        fill(3, [h("div", { class: "square" }, fitted)]);
        fill(4, [h("div", { class: "square" }, seen, h("i", { class: "cross" }))]);
    };
    const draw = () => {
        if (data.picture) {
            const { size, digits } = data;
            const hint = digits.length > 1 ? " Click a box to look at that digit." : "";
            const whole = stack(
                size,
                picture(data.picture, "The picture"),
                ...boxes(data, chosen, props.verdicts),
            );
            fill(0, [whole], steps[0][1] + hint);
            const printed = data.printed ? ` ${PRINTED}` : "";
            fill(1, [stack(size, picture(data.ink, "The ink"))], steps[1][1] + printed);
            fill(2, [stack(size, pieces(data.pieces))], piecesWords(digits.length, data.signs));
        } else for (const i of [0, 1, 2]) fill(i);
        drawDigit();
    };
    show(component, (now) => {
        data = now;
        if (!data.digits?.[chosen]) chosen = 0;
        notes.replaceChildren(...(data.notes ?? []).map((note) => h("li", {}, note)));
        draw();
        graph.show(data);
    });
    hear(element, "digit", (i) => {
        chosen = i;
        drawDigit();
    });
};
