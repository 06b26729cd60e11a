// Where things are: on the canvas, on the maps, in a list of operations.
import assert from "node:assert/strict";
import test from "node:test";
import { fitted, HEIGHT, visible, WIDTH } from "../../mnistcore/page/static/drawing.js";
import { columns } from "../../mnistcore/page/static/grid.js";
import { moved, pointAt } from "../../mnistcore/page/static/input.js";
import {
    clip,
    moved as movedPixel,
    pixelAt,
    pixelIn,
    windowIn,
    winnerOf,
} from "../../mnistcore/page/static/places.js";
import { pauseAfter } from "../../mnistcore/page/static/sending.js";

test("a pointer is at a quarter of a unit of the drawing, whatever the canvas's size", () => {
    const box = { left: 10, top: 20, width: WIDTH / 2, height: HEIGHT / 2 };
    assert.deepEqual(pointAt({ clientX: 10, clientY: 20 }, box), [0, 0]);
    assert.deepEqual(pointAt({ clientX: 10 + WIDTH / 2, clientY: 20 + HEIGHT / 2 }, box), [
        WIDTH,
        HEIGHT,
    ]);
    assert.deepEqual(pointAt({ clientX: 11.06, clientY: 20 }, box), [2, 0]);
});

test("arrows move the pen, two of them diagonally, but not off the canvas", () => {
    assert.deepEqual(moved([100, 100], ["ArrowLeft"], 7), [93, 100]);
    assert.deepEqual(moved([100, 100], ["ArrowRight", "ArrowDown"], 7), [107, 107]);
    assert.deepEqual(moved([3, HEIGHT - 3], ["ArrowLeft", "ArrowDown"], 7), [0, HEIGHT]);
});

test("a picture fills the canvas as far as its shape allows", () => {
    assert.deepEqual(fitted(28, 28), [70, 0, 280, 280]);
    assert.deepEqual(fitted(420, 140), [0, 70, 420, 140]);
});

test("only what lies over the last picture or the last clearing is visible", () => {
    const [a, b, picture, clear] = [
        { points: [] },
        { points: [] },
        { picture: "data:" },
        { clear: true },
    ];
    assert.deepEqual(visible([a, b]), [a, b]);
    assert.deepEqual(visible([a, clear, b]), [b]);
    assert.deepEqual(visible([a, clear]), []);
    assert.deepEqual(visible([a, picture, b]), [picture, b]);
});

test("a slow server gets longer pauses", () => {
    assert.equal(pauseAfter(150), 0);
    assert.equal(pauseAfter(500), 1000);
});

test("a pixel is found under a pointer, also at the edges", () => {
    const box = { left: 0, top: 0, width: 240, height: 120 };
    const size = [12, 24];
    assert.deepEqual(pixelAt({ clientX: 15, clientY: 25 }, box, size), { row: 2, column: 1 });
    assert.deepEqual(pixelAt({ clientX: 240, clientY: -1 }, box, size), { row: 0, column: 23 });
});

test("pooling halves the place, keys stay within the maps, fields within the input", () => {
    assert.deepEqual(pixelIn("conv1+relu", { row: 9, column: 13 }), [9, 13]);
    assert.deepEqual(pixelIn("conv1+relu+pool", { row: 9, column: 13 }), [4, 6]);
    const shape = [6, 24, 24];
    const at = { channel: 5, row: 0, column: 3 };
    assert.deepEqual(movedPixel(at, [1, -1, 1], shape), { channel: 5, row: 0, column: 4 });
    assert.deepEqual(movedPixel(at, [-1, 0, 0], shape), { ...at, channel: 4 });
    assert.deepEqual(clip([-2, 3, 8, 31], 28), [0, 3, 8, 28]);
});

test("the window of a maximum is on the maps before pooling, and one number may win it", () => {
    const found = {
        row: 9,
        column: 12,
        pooled: 3,
        window: [
            [0, 3],
            [2, 0],
        ],
    };
    assert.deepEqual(windowIn("conv1", found), [8, 12, 10, 14]);
    assert.deepEqual(windowIn("conv1+relu", found), [8, 12, 10, 14]);
    assert.equal(windowIn("conv1+relu+pool", found), null);
    assert.equal(windowIn("conv1", { ...found, pooled: null, window: null }), null);
    assert.equal(winnerOf(found), 1);
    const zeros = [
        [0, 0],
        [0, 0],
    ];
    assert.equal(winnerOf({ pooled: 0, window: zeros }), null);
});

test("few maps are large, many are small", () => {
    assert.deepEqual(
        [1, 6, 16, 64, 65].map((count) => columns(count, 24)),
        [1, 6, 8, 16, 32],
    );
    assert.equal(columns(48, 2), 32);
});
