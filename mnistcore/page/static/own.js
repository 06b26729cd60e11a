// The visitor's own digits, with their labels. They stay in this browser until they are deleted.
import { keep, kept, LASTING } from "./memory.js";
import { say } from "./shared.js";

export const MOST = 500; // digits: they take half a megabyte

const isDigit = (one) => Number.isInteger(one?.label) && typeof one.image === "string";

let lasts = true; // whether the browser keeps them

// What the browser has, which another tab may have changed; null if it has nothing that can be read.
const stored = () => {
    try {
        const found = JSON.parse(kept("digits", LASTING) || "[]");
        return Array.isArray(found) ? found.filter(isDigit) : null;
    } catch {
        return null;
    }
};

// Each is {label, image}, its ink as base64 of 28×28 uint8.
let digits = stored() ?? [];

const newest = () => (lasts ? (stored() ?? digits) : digits);

const change = (now) => {
    digits = now;
    lasts = keep("digits", digits.length ? JSON.stringify(digits) : "", LASTING);
    say("own-digits");
};

export const ownDigits = () => digits;

// Whether they are still there after the page has been closed.
export const digitsLast = () => lasts;

// Adds digits as far as there is room: the same drawing once, with its latest label. Gives how many.
export const addDigits = (more) => {
    const images = new Set(more.map(({ image }) => image));
    const others = newest().filter(({ image }) => !images.has(image));
    const once = [...new Map(more.map((digit) => [digit.image, digit])).values()];
    const added = once.slice(0, MOST - others.length);
    change([...others, ...added]);
    return added.length;
};

export const removeDigits = (some) => {
    const images = new Set(some.map(({ image }) => image));
    change(newest().filter(({ image }) => !images.has(image)));
};

export const countOf = (label) => digits.filter((one) => one.label === label).length;

addEventListener("storage", () => {
    digits = newest();
    say("own-digits");
});
