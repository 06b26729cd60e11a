// The answer in words.
import assert from "node:assert/strict";
import test from "node:test";
import { deadWords, rowName } from "../../mnistcore/page/static/grid.js";
import { piecesWords } from "../../mnistcore/page/static/steps.js";
import { inWords } from "../../mnistcore/page/static/verdict.js";

const VERDICTS = { digit: "digit", unsure: "unsure", notADigit: "not a digit" };
const HINT = "Draw something.";
const FACTS = { verdicts: VERDICTS, even: 0.2, hint: HINT };
const of = (label) => Array.from({ length: 10 }, (_, i) => (i === label ? 0.75 : 0.03));
const digit = (label, verdict = "digit", reason = "", candidates = [label]) => ({
    label,
    verdict,
    reason,
    candidates,
    probs: of(label),
    probs_by_model: { LeNet: of(label), MyNetV1: of(7), MyNetV2: of(7), MyVggNet: of(null) },
});
const words = (...digits) => inWords({ drawn: true, digits }, "LeNet", FACTS);

test("nothing drawn, and nothing on the picture", () => {
    assert.deepEqual(inWords({}, "LeNet", FACTS), ["Nothing to read yet.", HINT]);
    const read = (reason) => inWords({ drawn: true, digits: [], reason }, "LeNet", FACTS);
    assert.deepEqual(read("the picture is blank"), ["Nothing to read.", "The picture is blank."]);
    assert.deepEqual(read(""), ["Nothing to read.", "There is no ink."]);
});

test("one digit that is sure, unsure or not a digit", () => {
    assert.deepEqual(words(digit(8)), ["An 8.", "LeNet: 75.0 %."]);
    assert.deepEqual(words(digit(4)), ["A 4.", "LeNet: 75.0 %."]);
    assert.deepEqual(words(digit(4, "unsure", "4 or 9", [4, 9])), [
        "Not sure: 4 or 9.",
        "LeNet: 75.0 %.",
    ]);
    assert.deepEqual(words(digit(4, "unsure", "perhaps 4")), [
        "Not sure.",
        "Perhaps 4. LeNet: 75.0 %.",
    ]);
    assert.deepEqual(words(digit(1, "not a digit", "a dot")), [
        "This doesn’t look like a digit.",
        "A dot. Two nets say 7, one says 1.",
    ]);
});

test("a digit without candidates is explained by its reason", () => {
    const old = { ...digit(4, "unsure", "4 or 9"), candidates: undefined };
    assert.deepEqual(words(old), ["Not sure.", "4 or 9. LeNet: 75.0 %."]);
});

test("several digits name those in doubt, three at most", () => {
    assert.equal(words(digit(1), digit(2))[0], "2 digits.");
    const unsure = digit(4, "unsure", "the nets disagree", [4, 9]);
    assert.deepEqual(words(digit(1), unsure), ["2 digits, 1 uncertain.", "Digit 2: 4 or 9."]);
    assert.deepEqual(words(digit(1, "not a digit", "a dot"), unsure, unsure, unsure), [
        "4 digits, all uncertain.",
        "Digit 1: a dot; digit 2: 4 or 9; digit 3: 4 or 9.",
    ]);
});

test("rows of maps and pieces have names", () => {
    assert.equal(rowName("conv1+relu+pool"), "conv1 + ReLU + max pooling");
    assert.equal(deadWords([]), "");
    assert.equal(deadWords([2]), " · map 3 is dead here: zero everywhere");
    assert.equal(deadWords([0, 2]), " · maps 1, 3 are dead here: zero everywhere");
    assert.equal(deadWords([...Array(9).keys()]), " · 9 maps are dead here: zero everywhere");
    assert.equal(piecesWords(1), "One digit was found.");
    assert.match(piecesWords(3), /^3 digits/);
});
