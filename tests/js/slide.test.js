// A kernel that slides over the input: what it lies on, and what comes out.
import assert from "node:assert/strict";
import { test } from "node:test";

import { paddingOf, patchAt, productsAt } from "../../mnistcore/page/static/slide.js";

test("the map of a padded convolution is as large as its input", () => {
    assert.equal(paddingOf(28, 5, 24), 0);
    assert.equal(paddingOf(28, 3, 28), 1);
});

test("beyond the edges of the input there are zeros", () => {
    const input = [1, 2, 3, 4];
    assert.deepEqual(patchAt(input, 2, 2, 0, 0), [
        [1, 2],
        [3, 4],
    ]);
    assert.deepEqual(patchAt(input, 2, 2, -1, 1), [
        [0, 0],
        [2, 0],
    ]);
});

test("a number of the map is the sum of its products, plus the bias", () => {
    const layer = {
        input: [1, 2, 3, 4, 5, 6, 7, 8, 9],
        side: 3,
        kernel: [
            [1, 0],
            [0, -1],
        ],
        bias: 0.5,
        width: 2,
        padding: 0,
    };
    const found = productsAt(layer, 3);
    assert.deepEqual([found.row, found.column], [1, 1]);
    assert.deepEqual(found.products.flat(), [5, 0, 0, -9]);
    assert.deepEqual([found.sum, found.bias, found.value], [-4, 0.5, -3.5]);
});
