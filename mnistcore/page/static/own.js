// The visitor's own digits, with their labels. They stay in this browser until they are deleted.
import { keep, kept, LASTING } from "./memory.js";
import { say } from "./shared.js";

export const MOST = 500; // digits: they take half a megabyte

// Each is {label, image}, its ink as base64 of 28×28 uint8.
let digits = [];
try {
    digits = JSON.parse(kept("digits", LASTING) || "[]");
} catch {}

const change = (now) => {
    digits = now.slice(0, MOST);
    keep("digits", digits.length ? JSON.stringify(digits) : "", LASTING);
    say("own-digits");
};

export const ownDigits = () => digits;

export const addDigits = (more) => change([...digits, ...more]);

export const removeDigit = (digit) => change(digits.filter((one) => one !== digit));

export const countOf = (label) => digits.filter((one) => one.label === label).length;
