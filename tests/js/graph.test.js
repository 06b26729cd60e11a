// The words and rows of the candidates of a number.
import assert from "node:assert/strict";
import { test } from "node:test";

import { candidateWords, ordered, rowsOf } from "../../mnistcore/page/static/graph.js";

const digit = {
    kind: "digit",
    text: "4",
    probs: [
        [4, 0.9],
        [9, 0.06],
        [7, 0.01],
    ],
    sure: 0.9,
    costs: { joins: 0.3, nets: 0.8 },
    chosen: false,
    read: "47",
    more: 0.35,
};

test("a candidate says what counts for it, what against it, and what it would lead to", () => {
    assert.equal(
        candidateWords(digit, "all"),
        "4: the nets give it 90.0 % (9: 6.0 %, 7: 1.0 %). Against it: doubt about what it is (0.8), " +
            "gaps between its strokes (0.3). Rejected: with it, the line would read 47, which costs 0.3 more.",
    );
    assert.match(
        candidateWords({ ...digit, chosen: true, costs: {} }, "all"),
        /7: 1\.0 %\)\. On the path\.$/,
    );
    assert.match(candidateWords({ ...digit, read: null }, "all"), /No path continues from it\.$/);
    assert.match(candidateWords({ ...digit, read: "" }, "all"), /with it, nothing would be read/);
});

test("one net alone says how probable a candidate is", () => {
    const sure = {
        ...digit,
        probs: [
            [4, 0.9999],
            [9, 0.0001],
        ],
        sure: 0.9999,
        chosen: true,
        costs: {},
    };
    assert.equal(candidateWords(sure, "LeNet"), "4: LeNet gives it > 99.9 %. On the path.");
    assert.match(candidateWords(sure, "LeNet@token"), /^4: your LeNet gives it/);
});

test("signs and stray strokes have names", () => {
    const sign = {
        ...digit,
        kind: "sign",
        text: "-",
        probs: [],
        sure: 0.8,
        chosen: true,
        costs: {},
    };
    assert.equal(
        candidateWords(sign, "all"),
        "A dash: its shape and place give it 80.0 %. On the path.",
    );
    const stray = { ...sign, kind: "nothing", text: "" };
    assert.equal(candidateWords(stray, "all"), "A stray stroke: not part of a digit. On the path.");
});

test("bars go from left to right, those of the path first", () => {
    const at = (left, chosen) => ({ box: [left, 0, left + 9, 9], chosen });
    const found = ordered([at(50, true), at(7, false), at(20, true), at(0, false)]);
    assert.deepEqual(
        found.map(({ box }) => box[0]),
        [20, 50, 0, 7],
    );
});

test("the path has the first row, and no bar lies on another", () => {
    const at = (left, right, chosen = false) => ({ box: [left, 0, right, 9], chosen });
    const bars = [at(0, 40, true), at(50, 90, true), at(0, 90), at(10, 20), at(30, 45), at(46, 60)];
    assert.deepEqual(rowsOf(bars, 100), [0, 0, 1, 2, 2, 2]);
    // Two digits of a path may overlap, as slanted ones do.
    assert.deepEqual(rowsOf([at(0, 40, true), at(35, 80, true)], 100), [0, 1]);
});
