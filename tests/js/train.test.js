// The curves of a training, and what is said about it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { linear, logarithmic, pathOf, ticksTo } from "../../mnistcore/page/static/chart.js";
import { unpackSigned } from "../../mnistcore/page/static/format.js";
import { columnsOf } from "../../mnistcore/page/static/learning.js";
import { stateWords } from "../../mnistcore/page/static/run.js";
import { speedWords } from "../../mnistcore/page/static/train.js";

test("the ticks of the epochs are round", () => {
    assert.deepEqual(ticksTo(3), [0, 0.5, 1, 1.5, 2, 2.5, 3]);
    assert.deepEqual(ticksTo(60), [0, 10, 20, 30, 40, 50, 60]);
    assert.deepEqual(ticksTo(1666), [0, 500, 1000, 1500]);
});

test("the loss has a logarithmic scale that holds all of it", () => {
    const scale = logarithmic([2.3, 0.004]);
    assert.deepEqual(scale.ticks(), [0.001, 0.01, 0.1, 1]);
    assert.equal(scale.at(0.001), 0);
    assert.ok(scale.at(2.3) < 1);
    assert.ok(logarithmic([40]).at(40) <= 1);
    assert.deepEqual(logarithmic([]).ticks(), [0.1, 1]);
});

test("a curve goes from left to right and up", () => {
    const points = [
        [0, 0],
        [1, 1],
    ];
    assert.equal(pathOf(points, 2, linear), "M52.0 210.0L241.0 10.0");
    assert.equal(pathOf([], 2, linear), "");
});

test("the picture of the answers is filled up to now", () => {
    const points = [
        { epoch: 0, probs: "a" },
        { epoch: 1, probs: "b" },
        { epoch: 1.2, probs: "c" },
        { epoch: 1.3 },
    ];
    assert.deepEqual(columnsOf(points, 2, 4), ["a", "a", "c", null]);
    assert.deepEqual(columnsOf([{ epoch: 2, probs: "z" }], 2, 2), [null, "z"]);
});

test("bytes have a sign", () => {
    assert.deepEqual([...unpackSigned(btoa("\x00\x7f\x81\xff"))], [0, 127, -127, -1]);
});

test("the time that is left ends with the limit", () => {
    const now = { epoch: 0.5, images: 50_000, left: 250_000, seconds: 20 };
    assert.equal(speedWords(now, 3, 60), "Epoch 0.50 of 3 · 2,500 images/s · 40 s left");
    assert.equal(
        speedWords({ ...now, left: 5_000 }, 3, 60),
        "Epoch 0.50 of 3 · 2,500 images/s · 2 s left",
    );
});

test("where a training is, in words", () => {
    assert.equal(stateWords({ state: "waiting", place: 2 }), "Waiting: number 2 in line.");
    assert.equal(stateWords({ state: "ended", end: { ended: "stopped" } }), "Stopped.");
    assert.match(stateWords({ state: "gone" }), /^The training was stopped because/);
    assert.match(stateWords({ state: "gone", file: "a.pt" }), /^The upload was lost/);
    assert.match(stateWords({ state: "gone", isYours: true }), /^This net is no longer/);
    assert.match(stateWords({ state: "gone", offered: true }), /^This net is no longer/);
    assert.match(stateWords({ state: "gone", isYours: true, lost: true }), /reload the page\.$/);
});
