// Colours and numbers: what the maps and the answer write and paint.
import assert from "node:assert/strict";
import test from "node:test";
import { createScale, readableOn, roundUp } from "../../mnistcore/page/static/colours.js";
import { capital, number, percent, short, unpack } from "../../mnistcore/page/static/format.js";

const scale = createScale("#2040ff", "#808080", "#ff2000");

test("the scale reaches from blue over the page's colour to red, and no further", () => {
    assert.deepEqual(scale.rgb(-2, 2), [0x20, 0x40, 0xff]);
    assert.deepEqual(scale.rgb(0, 2), [128, 128, 128]);
    assert.deepEqual(scale.rgb(2, 2), [0xff, 0x20, 0]);
    assert.deepEqual(scale.rgb(9, 2), scale.rgb(2, 2));
    assert.equal(scale.css(2, 2), "rgb(255 32 0)");
    const reds = [0, 0.1, 0.5, 1].map((x) => scale.rgb(x, 1)[0]);
    assert.deepEqual(
        reds,
        reds.toSorted((a, b) => a - b),
    );
    assert.ok(
        scale.rgb(0.1, 1)[0] > 128 + 0.1 * 127,
        "small numbers are stronger than in proportion",
    );
    assert.equal(scale.gradient().match(/rgb/g).length, 21);
});

test("a canvas is painted with the colours of its numbers", () => {
    let painted = null;
    const context = {
        createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
        putImageData: ({ data }) => {
            painted = [...data];
        },
    };
    const canvas = { width: 2, height: 1, getContext: () => context };
    scale.paint(canvas, [9, 9, -1, 0.3], 2, 1);
    assert.deepEqual(painted.slice(0, 4), [0x20, 0x40, 0xff, 255]);
    assert.deepEqual(painted.slice(4, 7), scale.rgb(0.3, 1).map(Math.round));
});

test("text is black on light colours and white on dark ones", () => {
    assert.equal(readableOn([255, 255, 255]), "#000");
    assert.equal(readableOn([0, 0, 0]), "#fff");
    assert.equal(readableOn([0, 255, 0]), "#000");
    assert.equal(readableOn([0, 0, 255]), "#fff");
});

test("limits are round, and no number is beyond them", () => {
    for (const [x, limit] of [
        [0.53, 0.6],
        [0.6, 0.6],
        [1, 1],
        [5.2, 6],
        [9.1, 10],
        [0.0021, 0.003],
    ])
        assert.equal(roundUp(x), limit);
    assert.ok(roundUp(0) > 0);
});

test("numbers are written with few characters and a proper minus", () => {
    assert.equal(number(-1.23456), "−1.235");
    assert.equal(number(2, 1), "2.0");
    assert.deepEqual([-0.42, 2.768, 12.34, -12.34, 0].map(short), [
        "−.42",
        "2.77",
        "12.3",
        "−12.3",
        ".00",
    ]);
    assert.deepEqual([0.5, 0.9994, 0.9995, 1].map(percent), [
        "50.0 %",
        "99.9 %",
        "> 99.9 %",
        "> 99.9 %",
    ]);
    assert.equal(capital("too small"), "Too small");
    assert.equal(capital(""), "");
});

test("packed numbers are float32, little-endian", () => {
    const bytes = Buffer.alloc(8);
    bytes.writeFloatLE(-1.5, 0);
    bytes.writeFloatLE(0.1, 4);
    assert.deepEqual([...unpack(bytes.toString("base64"))], [-1.5, Math.fround(0.1)]);
});
