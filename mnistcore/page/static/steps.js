// How the picture was read: one small picture a step, boxes to choose a digit by.
const TITLES = ["Picture", "Ink", "Pieces", "20×20 box", "28×28, centred"];
const notes = h("ul", { class: "notes" });
const cards = TITLES.map((title) => {
    const frame = h("div", { class: "step-frame" });
    const line = h("p", {});
    return { frame, line, card: h("li", { class: "step" }, frame, h("h3", {}, title), line) };
});
const root = h("section", { "aria-label": "How the picture was read" }, h("ol", { class: "steps" }, ...cards.map(({ card }) => card)), notes);
element.append(root);

const PIECES = ["#e8b04a", "#5aa9e6", "#7cc47f", "#e07a9b", "#b197e8", "#e58a52", "#4fc1b6", "#c9c95a"];
let data = {};
let chosen = 0;

const picture = (source, label, pixels) => h("img", { src: source, alt: label, class: pixels ? "pixels" : "" });
const boxes = () => {
    const [width, tall] = data.size;
    return data.digits.map((digit, i) => {
        const [left, top, right, bottom] = digit.box;
        const box = h("button", { type: "button", class: `box ${digit.verdict.replaceAll(" ", "-")}`,
            "aria-label": `Look at digit ${i + 1}: ${digit.label}`, "aria-pressed": String(i === chosen),
            onclick: () => say("digit", i) }, h("span", { "aria-hidden": "true" }, digit.label));
        box.style.cssText = `left:${(100 * left) / width}%;top:${(100 * top) / tall}%;` +
            `width:${(100 * (right - left)) / width}%;height:${(100 * (bottom - top)) / tall}%`;
        return box;
    });
};
// Pieces come as a picture whose grey is the number of the digit: each gets a colour of its own.
const paintPieces = (target) => {
    const image = new Image();
    image.onload = () => {
        target.width = image.width;
        target.height = image.height;
        const context = target.getContext("2d");
        context.drawImage(image, 0, 0);
        const pixels = context.getImageData(0, 0, image.width, image.height);
        for (let i = 0; i < pixels.data.length; i += 4) {
            const piece = pixels.data[i];
            const colour = piece ? parseInt(PIECES[(piece - 1) % PIECES.length].slice(1), 16) : 0;
            pixels.data[i] = colour >> 16;
            pixels.data[i + 1] = (colour >> 8) & 255;
            pixels.data[i + 2] = colour & 255;
        }
        context.putImageData(pixels, 0, 0);
    };
    image.src = data.pieces;
};
const fill = (i, line, ...nodes) => {
    cards[i].frame.replaceChildren(...nodes);
    cards[i].line.textContent = line;
};
const EMPTY = ["What came in.", "What stands out from the paper, light on dark as MNIST's digits are.",
    "The nets read one digit at a time: here the ink is parted.",
    "Scaled so that its longer side is 20 pixels, as all of MNIST's digits are.",
    "Moved so that its centre of mass is in the middle, as in MNIST: this is what the nets see."];
const draw = () => {
    if (!data.picture) return EMPTY.forEach((line, i) => fill(i, line));
    const whole = (...nodes) => {
        const stack = h("div", { class: "whole" }, ...nodes);
        stack.style.setProperty("--ratio", data.size[0] / data.size[1]);
        return stack;
    };
    const pieces = h("canvas", { role: "img", "aria-label": "The pieces, a colour for each digit" });
    paintPieces(pieces);
    fill(0, data.digits.length > 1 ? "What came in. Click a box to look at that digit." : EMPTY[0],
        whole(picture(data.picture, "The picture"), ...boxes()));
    fill(1, EMPTY[1], whole(picture(data.ink, "The ink")));
    const found = ["none", "one"][data.digits.length] ?? `${data.digits.length}, each in its colour`;
    fill(2, `The nets read one digit at a time: here ${data.digits.length > 1 ? "are" : "is"} ${found}.`, whole(pieces));
    drawDigit();
};
const drawDigit = () => {
    const digit = data.digits?.[chosen];
    root.querySelectorAll(".box").forEach((box, i) => box.setAttribute("aria-pressed", String(i === chosen)));
    if (!digit) return [3, 4].forEach((i) => fill(i, EMPTY[i]));
    const [width, tall] = digit.fitted_size;
    const fitted = picture(digit.fitted, "The digit alone", true);
    fitted.style.width = `${(100 * width) / 20}%`;
    fitted.style.height = `${(100 * tall) / 20}%`;
    fill(3, EMPTY[3], h("div", { class: "square" }, fitted));
    fill(4, EMPTY[4],
        h("div", { class: "square" }, picture(digit.image, "What the nets see, 28 by 28 pixels", true), h("i", { class: "cross" })));
};
show((now) => {
    data = now;
    if (chosen >= (data.digits ?? []).length) chosen = 0;
    notes.replaceChildren(...(data.notes ?? []).map((note) => h("li", {}, note)));
    draw();
});
hear("digit", (i) => {
    chosen = i;
    drawDigit();
});
