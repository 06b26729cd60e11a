// The words and places of a net's linear layers, and of why it says one digit and not another.
import assert from "node:assert/strict";
import { test } from "node:test";

import { largest } from "../../mnistcore/page/static/arithmetic.js";
import {
    dropoutWords,
    softmaxWords,
    unflatten,
    widthOf,
} from "../../mnistcore/page/static/units.js";
import { pixelWords, sumWords } from "../../mnistcore/page/static/why.js";

test("a flattened number is found again in its map", () => {
    assert.deepEqual(unflatten([16, 4, 4], 0), { channel: 0, row: 0, column: 0 });
    assert.deepEqual(unflatten([16, 4, 4], 16 + 4 * 2 + 3), { channel: 1, row: 2, column: 3 });
    assert.deepEqual(unflatten([512, 4, 4], 8191), { channel: 511, row: 3, column: 3 });
});

test("few units stand in one row, many in rows that fit the page", () => {
    assert.deepEqual([10, 48, 256, 1024, 8192].map(widthOf), [10, 32, 32, 128, 128]);
});

test("dropout is told where it stands", () => {
    assert.equal(dropoutWords(0), "");
    assert.match(dropoutWords(0.5), /left out 50 % of its inputs/);
});

test("softmax is written with the numbers in it", () => {
    const words = softmaxWords(
        [1, 12.5, ...Array(8).fill(0)],
        1.25,
        [0, 0.998, 0, 0, 0, 0, 0, 0, 0, 0],
        1,
    );
    assert.match(words, /^P\(1\) = e\^\(12\.50 \/ 1\.25\) .* 99\.8 %$/);
});

test("the largest product of a patch, whatever its sign", () => {
    const patch = [
        [0, 2],
        [3, 1],
    ];
    const kernel = [
        [9, 1],
        [-1, 1],
    ];
    assert.deepEqual(largest(patch, kernel), [1, 0]);
});

test("how the pixels add up is said with all four numbers", () => {
    const words = sumWords({ net: "LeNet", sum: 18.7, difference: 18.6, blank: -0.15 }, 8, 3);
    assert.equal(
        words,
        "LeNet’s logit of 8 is 18.60 above its logit of 3; without any ink it would be 0.15 below its logit of 3. " +
            "So the ink makes a difference of 18.75. All pixels add up to 18.70, the same to within one percent.",
    );
});

test("a pixel supports a digit, or has no ink", () => {
    const place = { row: 2, column: 0 };
    assert.equal(pixelWords(0.5, place, 8, 3), "row 3, column 1: supports 8");
    assert.equal(pixelWords(-0.5, place, 8, 3), "row 3, column 1: supports 3");
    assert.equal(pixelWords(0, place, 8, 3), "row 3, column 1: makes no difference");
});
