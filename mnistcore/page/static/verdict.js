// The answer in words: a sentence and what explains it.
import { article, capital, percent } from "./format.js";

const MOST_DOUBTS = 3; // that are named in the answer to a number of many digits
export const COUNTS = ["no", "one", "two", "three", "four", "five", "six"]; // in words

// The digit that a net says; null where it finds all of them about equally likely.
export const said = (probs, even) => {
    const most = Math.max(...probs);
    return most < even ? null : probs.indexOf(most);
};

// What the nets say of a digit: [[4, 3], [9, 1]] if three of them say 4, one 9, and one nothing.
export const tally = ({ probs_by_model }, even) => {
    const counts = new Map();
    for (const probs of Object.values(probs_by_model)) {
        const label = said(probs, even);
        if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a);
};

const tallyWords = (counts) => {
    if (!counts.length) return "No net sees a digit.";
    const [[first, count], ...rest] = counts;
    const others = rest.map(([label, n]) => `${COUNTS[n]} ${n === 1 ? "says" : "say"} ${label}`);
    const subject = count === 1 ? "One net says" : `${capital(COUNTS[count])} nets say`;
    return `${[`${subject} ${first}`, ...others].join(", ")}.`;
};

// Why a digit is not sure: its likely digits, or the reason the reader gave.
const doubt = ({ candidates = [], reason }) =>
    candidates.length > 1 ? candidates.join(" or ") : reason;

const oneDigit = (digit, signs, who, { verdicts, even }) => {
    const { label, verdict, reason, probs, candidates = [] } = digit;
    const by = `${who}: ${percent(probs[label])}.`;
    const [doubted] = signs.filter((sign) => sign.reason);
    if (verdict === verdicts.digit)
        return doubted
            ? ["Not sure.", `${capital(doubted.reason)}. ${by}`]
            : [`${capital(article(label))} ${label}.`, by];
    if (verdict === verdicts.notADigit)
        return [
            "This doesn’t look like a digit.",
            `${capital(reason)}. ${tallyWords(tally(digit, even))}`,
        ];
    if (candidates.length > 1) return [`Not sure: ${doubt(digit)}.`, by];
    return ["Not sure.", `${capital(reason)}. ${by}`];
};

const numbered = (numbers) =>
    numbers.length === 1
        ? `digit ${numbers[0]}`
        : `digits ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;

const manyDigits = (digits, signs, { verdicts }) => {
    // The numbers of the digits that share a doubt.
    const doubts = new Map();
    digits.forEach((digit, i) => {
        if (digit.verdict === verdicts.digit) return;
        const words = doubt(digit);
        doubts.set(words, [...(doubts.get(words) ?? []), i + 1]);
    });
    const named = [...doubts].map(([words, numbers]) => `${numbered(numbers)}: ${words}`);
    signs.forEach(({ reason }, i) => {
        if (reason) named.push(`sign ${i + 1}: ${reason}`);
    });
    if (!named.length)
        return [`${digits.length} digits.`, "All are clear. Choose one to look at it:"];
    const doubted = [...doubts.values()].flat().length;
    const count = doubted === digits.length ? "all" : doubted || "a sign";
    return [
        `${digits.length} digits, ${count} uncertain.`,
        `${capital(named.slice(0, MOST_DOUBTS).join("; "))}.`,
    ];
};

// Of the answer's data. `who` gives the probability ("LeNet"); `facts` has Python's verdicts, the
// probability `even`, and the hint for an empty canvas.
export const inWords = ({ digits = [], signs = [], drawn, reason }, who, facts) => {
    if (!drawn) return ["Nothing to read yet.", facts.hint];
    if (!digits.length) return ["Nothing to read.", `${capital(reason) || "There is no ink"}.`];
    return digits.length === 1
        ? oneDigit(digits[0], signs, who, facts)
        : manyDigits(digits, signs, facts);
};
