// The answer in words: a sentence and what explains it.
import { article, capital, percent } from "./format.js";

const MOST_DOUBTS = 3; // that are named in the answer to a number of many digits

// Why a digit is not sure: its likely digits, or the reason the reader gave.
const doubt = ({ candidates = [], reason }) =>
    candidates.length > 1 ? candidates.join(" or ") : reason;

const oneDigit = (digit, who, verdicts) => {
    const { label, verdict, reason, probs, candidates = [] } = digit;
    const by = `${who}: ${percent(probs[label])}.`;
    if (verdict === verdicts.digit) return [`${capital(article(label))} ${label}.`, by];
    if (verdict === verdicts.notADigit)
        return [
            "This doesn’t look like a digit.",
            `${capital(reason)}. The closest digit is ${label}. ${by}`,
        ];
    if (candidates.length > 1) return [`Not sure: ${doubt(digit)}.`, by];
    return ["Not sure.", `${capital(reason)}. ${by}`];
};

const manyDigits = (digits, verdicts) => {
    const doubts = digits.flatMap((digit, i) =>
        digit.verdict === verdicts.digit ? [] : [`digit ${i + 1}: ${doubt(digit)}`],
    );
    if (!doubts.length)
        return [`${digits.length} digits.`, "All are clear. Choose one to look at it:"];
    const count = doubts.length === digits.length ? "all" : doubts.length;
    return [
        `${digits.length} digits, ${count} uncertain.`,
        `${capital(doubts.slice(0, MOST_DOUBTS).join("; "))}.`,
    ];
};

// Of the answer's data, `who` gives the probability ("LeNet"), `verdicts` are Python's strings.
export const inWords = ({ digits = [], drawn, reason }, who, verdicts, hint) => {
    if (!drawn) return ["Nothing to read yet.", hint];
    if (!digits.length) return ["Nothing to read.", `${capital(reason) || "There is no ink"}.`];
    return digits.length === 1 ? oneDigit(digits[0], who, verdicts) : manyDigits(digits, verdicts);
};
