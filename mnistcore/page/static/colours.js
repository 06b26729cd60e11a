// One scale of colours for all numbers of the maps, centred on zero: blue, the page's colour, red.
import { unpackBytes } from "./format.js";
import { h } from "./shared.js";

const GAMMA = 0.65; // exponent of a colour's strength, so that small numbers stay visible

// "#2463ae" -> [36, 99, 174].
const parse = (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

// The colours of numbers, from three hex colours: of -limit, 0 and +limit.
export const createScale = (below, zero, above) => {
    const [low, middle, high] = [below, zero, above].map(parse);
    const strength = (x, limit) => Math.min(1, Math.abs(x / limit)) ** GAMMA;
    // Red, green and blue, 0 to 255, not rounded.
    const rgb = (x, limit) => {
        const end = x < 0 ? low : high;
        return middle.map((from, c) => from + (end[c] - from) * strength(x, limit));
    };
    const css = (x, limit) => `rgb(${rgb(x, limit).map(Math.round).join(" ")})`;
    return {
        rgb,
        css,
        // Paints a canvas with the numbers from `start` on, one per pixel.
        paint: (canvas, numbers, start, limit) => {
            const { width, height } = canvas;
            const context = canvas.getContext("2d");
            const pixels = context.createImageData(width, height);
            // The same as rgb(), without creating an array for each of up to 100,000 pixels.
            for (let i = 0; i < width * height; i++) {
                const x = numbers[start + i];
                const share = strength(x, limit);
                const end = x < 0 ? low : high;
                for (let c = 0; c < 3; c++)
                    pixels.data[4 * i + c] = middle[c] + (end[c] - middle[c]) * share;
                pixels.data[4 * i + 3] = 255;
            }
            context.putImageData(pixels, 0, 0);
        },
        gradient: () => {
            const stops = Array.from({ length: 21 }, (_, i) => css(i / 10 - 1, 1));
            return `linear-gradient(90deg, ${stops.join(", ")})`;
        },
    };
};

// The scale in the colours of the page, whether light or dark.
export const scaleOf = (element) => {
    const style = getComputedStyle(element);
    return createScale(
        ...["--below", "--zero", "--above"].map((name) => style.getPropertyValue(name).trim()),
    );
};

// Black or white, whichever is easier to read on a colour (relative luminance of WCAG 2: the two
// contrasts are equal at 0.179).
export const readableOn = (colour) => {
    const [r, g, b] = colour
        .map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
};

// The next round number, so that the scale stays while the numbers change a little.
export const roundUp = (x) => {
    const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
    const power = 10 ** Math.floor(Math.log10(x || 1));
    const step = steps.find((one) => one * power >= x * 0.9999); // x may be a rounded-up step
    return Number((step * power).toPrecision(2)); // 6 * 0.1 is not 0.6
};

// Paints a canvas with ink in [0, 1], white on black.
export const paintInk = (canvas, ink) => {
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(canvas.width, canvas.height);
    ink.forEach((x, i) => {
        pixels.data.set([255 * x, 255 * x, 255 * x, 255], 4 * i);
    });
    context.putImageData(pixels, 0, 0);
};

// A canvas of a digit, side×side, whose ink comes as base64 of uint8.
export const createInk = (image, side) => {
    const canvas = h("canvas", { class: "pixels", width: side, height: side });
    paintInk(
        canvas,
        Float32Array.from(unpackBytes(image), (x) => x / 255),
    );
    return canvas;
};

const RESTYLED = 100; // milliseconds after which Gradio has changed between light and dark

// Calls `draw` when the page has changed between light and dark.
export const whenRestyled = (draw) =>
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
        setTimeout(draw, RESTYLED),
    );
