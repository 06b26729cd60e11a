import assert from "node:assert/strict";
import { test } from "node:test";
import { digitAt, middles, nearestWords } from "../../mnistcore/page/static/atlas.js";

const nearest = (labels, distance = 1) => ({
    usual: 2,
    nearest: labels.map((label) => ({ label, distance })),
});

test("the nearest digits are counted", () => {
    assert.equal(nearestWords(nearest([3, 3, 3])), "All 3 are 3s.");
    assert.equal(nearestWords(nearest([3, 8, 3])), "2 are 3s, 1 is an 8.");
});

test("a digit between two clouds is said to be there", () => {
    assert.equal(
        nearestWords(nearest([4, 9, 9, 4, 9])),
        "3 are 9s, 2 are 4s. The drawing lies between the 9s and the 4s.",
    );
});

test("a digit that is far from all others is said to be far", () => {
    assert.match(nearestWords(nearest([5, 5], 2.1)), /unlike all ten thousand\.$/);
    assert.doesNotMatch(nearestWords(nearest([5, 5], 2)), /far/);
});

test("a pointer finds the nearest digit within reach", () => {
    const places = [0, 0, 0.5, 0.5, 0.505, 0.5];
    assert.equal(digitAt(places, 0.504, 0.5), 2);
    assert.equal(digitAt(places, 0.499, 0.501), 1);
    assert.equal(digitAt(places, 0.3, 0.3), -1);
});

test("a label stands in the middle of its digits", () => {
    const places = [0, 1, 0.2, 0.4, 0.9, 0];
    const found = middles(places, Uint8Array.of(7, 7, 7));
    assert.deepEqual(
        found[7].map((x) => Math.round(10 * x)),
        [2, 4],
    );
    assert.equal(found[0], null);
});
