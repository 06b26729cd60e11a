// Where an answer flips, in numbers and in words, and questions that wait for each other.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pack } from "../../mnistcore/page/static/change.js";
import { unpack } from "../../mnistcore/page/static/format.js";
import { createQuestion } from "../../mnistcore/page/static/question.js";
import { flipsOf, flipWords, rowsOf } from "../../mnistcore/page/static/slider.js";

const TURN = { low: -90, high: 90, neutral: 0, unit: "degrees" };
const sure = (digit) => Array.from({ length: 10 }, (_, i) => (i === digit ? 0.91 : 0.01));

test("numbers are packed as the server reads them", () => {
    const numbers = [0, 0.25, 1, -3.5];
    assert.deepEqual([...unpack(pack(numbers))], numbers);
});

test("ten probabilities for each position", () => {
    const rows = rowsOf(Float32Array.from({ length: 30 }, (_, i) => i));
    assert.equal(rows.length, 3);
    assert.deepEqual(rows[1], [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

test("the answer flips where it is another one, looked for from the middle", () => {
    const rows = [2, 3, 3, 3, 5].map(sure);
    const flips = flipsOf(rows, TURN);
    assert.deepEqual(flips, {
        digit: 3,
        below: { amount: -45, digit: 2 },
        above: { amount: 45, digit: 5 },
    });
    assert.equal(flipWords(flips, TURN), "a 3 from −45° (below: 2) to 45° (above: 5)");
});

test("an answer that flips on one side, or not at all", () => {
    const up = flipsOf([3, 3, 3, 3, 8].map(sure), TURN);
    assert.equal(flipWords(up, TURN), "a 3 up to 45°, then an 8");
    const size = { low: 0.4, high: 1.6, neutral: 1, unit: "times" };
    const down = flipsOf([8, 8, 3, 3, 3].map(sure), size);
    assert.equal(flipWords(down, size), "a 3 down to 1.00×, then an 8");
    assert.equal(flipWords(flipsOf([8, 8, 8].map(sure), TURN), TURN), "an 8 all the way");
});

const withAnswers = (follow) => {
    const seen = { asked: [], used: [], answer: null };
    const question = createQuestion((what) => {
        seen.asked.push(what);
        return new Promise((resolve) => {
            seen.answer = async (found) => {
                resolve(found);
                await new Promise(setImmediate);
            };
        });
    }, follow);
    seen.ask = (what) => question.ask(what, (found, asked) => seen.used.push([found, asked]));
    seen.forget = question.forget;
    return seen;
};

test("while a question is asked, only the newest of the others waits", async () => {
    const seen = withAnswers(true);
    for (const what of [1, 2, 3]) seen.ask(what);
    assert.deepEqual(seen.asked, [1]);
    await seen.answer("a");
    assert.deepEqual(seen.asked, [1, 3]);
    await seen.answer("b");
    assert.deepEqual(seen.used, [
        ["a", 1],
        ["b", 3],
    ]);
});

test("an answer is dropped if it need not follow, or is no longer wanted", async () => {
    const newest = withAnswers(false);
    for (const what of [1, 2]) newest.ask(what);
    await newest.answer("a");
    await newest.answer("b");
    assert.deepEqual(newest.used, [["b", 2]]);
    const gone = withAnswers(true);
    gone.ask(1);
    gone.forget();
    await gone.answer("a");
    assert.deepEqual(gone.used, []);
});
