// Left of the maps: the picture that the net reads, the scale of colours, and the device.
import { paintInk } from "./colours.js";
import { number } from "./format.js";
import { placeMark } from "./marks.js";
import { clip, pixelAt } from "./places.js";
import { h } from "./shared.js";

const BELOW = 12; // pixels from a word down to its tip

// The word "normalised", which explains itself in a tip.
const createHelp = ({ mean, std, trainImages, side }, tip, live) => {
    const pixels = trainImages * side * side;
    const sentence =
        `The nets read (ink − ${mean}) / ${std}: the mean and the standard deviation of all ` +
        `${pixels.toLocaleString("en")} pixels of MNIST’s ${trainImages.toLocaleString("en")} ` +
        "training images, scaled to 0…1.";
    const word = h("abbr", { tabindex: 0 }, "normalised");
    const explain = () => {
        const box = word.getBoundingClientRect();
        tip.show(box.left, box.bottom + BELOW, h("span", { class: "sentence" }, sentence));
        live.textContent = sentence;
    };
    word.addEventListener("focus", explain);
    word.addEventListener("click", explain);
    word.addEventListener("blur", tip.hide);
    return word;
};

const createInput = (side, help) => {
    const canvas = h("canvas", {
        class: "pixels",
        width: side,
        height: side,
        role: "img",
        "aria-label": `What the net reads, ${side} by ${side} pixels`,
    });
    const mark = h("span", { class: "mark", hidden: true });
    const caption = h("figcaption", {}, `Input, ${side}×${side}`, help);
    return {
        canvas,
        mark,
        node: h("figure", {}, h("div", { class: "maps-input" }, canvas, mark), caption),
        draw: (ink) => paintInk(canvas, ink),
        blank: () => canvas.getContext("2d").clearRect(0, 0, side, side),
    };
};

export const createSide = (facts, tip, live) => {
    const { side } = facts;
    const help = createHelp(facts, tip, live);
    const input = createInput(side, help);
    const legend = h("div", { class: "legend" });
    const device = h("p", { class: "maps-device" });
    const numberAt = (row, column, data) => {
        const at = side * row + column;
        const words = `row ${row + 1}, column ${column + 1}, ink ${number(data.ink[at], 3)}`;
        return { value: data.input[at], words };
    };
    return {
        node: h("div", { class: "maps-left" }, input.node, legend, device),
        draw: (data, scale) => {
            input.draw(data.ink);
            device.textContent = `Computed on ${data.device}.`;
            const bar = h("span", { class: "legend-bar" });
            bar.style.background = scale.gradient();
            const labels = [`−${data.limit}`, "0", `+${data.limit}`];
            legend.replaceChildren(bar, ...labels.map((label) => h("span", {}, label)));
        },
        blank: input.blank,
        // Marks the part of the input that a pixel of a map sees.
        mark: (field) => placeMark(input.mark, clip(field, side), [side, side]),
        hideMark: () => {
            input.mark.hidden = true;
        },
        // Marks one pixel of the input, and brings it into sight.
        point: ({ row, column }, data) => {
            placeMark(input.mark, [row, column, row + 1, column + 1], [side, side]);
            input.canvas.scrollIntoView({ block: "nearest" });
            return { node: input.mark, ...numberAt(row, column, data) };
        },
        isHelp: (target) => target === help,
        // The number under a pointer that the net reads, and the words for its place; null elsewhere.
        describe: (event, data) => {
            if (event.target !== input.canvas || !data.rows) return null;
            const box = input.canvas.getBoundingClientRect();
            const { row, column } = pixelAt(event, box, [side, side]);
            return numberAt(row, column, data);
        },
    };
};
