// The answer in words.
import assert from "node:assert/strict";
import test from "node:test";
import { deadWords, rowName } from "../../mnistcore/page/static/grid.js";
import { piecesWords } from "../../mnistcore/page/static/steps.js";
import { inWords, said, tally } from "../../mnistcore/page/static/verdict.js";

const VERDICTS = { digit: "digit", unsure: "unsure", notADigit: "not a digit" };
const HINT = "Draw something.";
const EVEN = 0.2;
const FACTS = { verdicts: VERDICTS, even: EVEN, hint: HINT };
const NETS = ["LeNet", "MyFullConvNet", "MyNetV1", "MyNetV2", "MyVggNet"];

const probsOf = (label, most = 0.75) => {
    const probs = Array(10).fill((1 - most) / 9);
    if (label !== null) probs[label] = most;
    return probs;
};
// A digit of which each net says one, or null: nothing.
const digit = (
    label,
    verdict = "digit",
    reason = "",
    candidates = [label],
    nets = Array(5).fill(label),
) => ({
    label,
    verdict,
    reason,
    candidates,
    probs: probsOf(label),
    probs_by_model: Object.fromEntries(
        nets.map((one, i) => [NETS[i], one === null ? probsOf(null, 0.1) : probsOf(one)]),
    ),
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
        "A dot. Five nets say 1.",
    ]);
});

test("what the nets say, without those that say nothing", () => {
    assert.equal(said(probsOf(4), EVEN), 4);
    assert.equal(said(probsOf(null, 0.1), EVEN), null);
    const nets = [null, 4, 9, 4, 9];
    assert.deepEqual(tally(digit(0, "digit", "", [], nets), EVEN), [
        [4, 2],
        [9, 2],
    ]);
    const detail = (said) => words(digit(0, "not a digit", "unlike any digit", [], said))[1];
    assert.equal(detail(nets), "Unlike any digit. Two nets say 4, two say 9.");
    assert.equal(detail([null, null, 7, null, null]), "Unlike any digit. One net says 7.");
    assert.equal(detail(Array(5).fill(null)), "Unlike any digit. No net sees a digit.");
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
        "Digit 1: a dot; digits 2, 3 and 4: 4 or 9.",
    ]);
});

test("a sign in doubt is named, too", () => {
    const signs = [{ character: ".", reason: "a point, or a stray stroke" }];
    const point = (...digits) => inWords({ drawn: true, digits, signs }, "LeNet", FACTS);
    assert.deepEqual(point(digit(7), digit(2)), [
        "2 digits, a sign uncertain.",
        "Sign 1: a point, or a stray stroke.",
    ]);
    assert.deepEqual(point(digit(7)), ["Not sure.", "A point, or a stray stroke. LeNet: 75.0 %."]);
});

test("rows of maps and pieces have names", () => {
    assert.equal(rowName("conv1+relu+pool"), "conv1 + ReLU + max pooling");
    assert.equal(deadWords([]), "");
    assert.equal(deadWords([2]), " · map 3 is dead here: zero everywhere");
    assert.equal(deadWords([0, 2]), " · maps 1, 3 are dead here: zero everywhere");
    assert.equal(deadWords([...Array(9).keys()]), " · 9 maps are dead here: zero everywhere");
    assert.equal(piecesWords(1), "One digit was found.");
    assert.match(piecesWords(3), /^3 digits/);
    assert.match(piecesWords(3, 1), /^3 digits and 1 sign were found/);
    assert.equal(piecesWords(1, 2), "One digit and 2 signs were found.");
});
