// Numbers and words as the page writes them, and numbers as Python sends them.

const MINUS = "\u2212";

export const percent = (p) => `${p >= 0.9995 ? "> 99.9" : (100 * p).toFixed(1)} %`;

export const number = (x, digits = 3) => (x < 0 ? MINUS : "") + Math.abs(x).toFixed(digits);

// At most four characters, for the cells of a table: −.42, 2.77, 12.3.
export const short = (x) =>
    number(x, Math.abs(x) < 9.995 ? 2 : 1).replace(new RegExp(`^(${MINUS}?)0\\.`), "$1.");

// 12,345, with so many digits after the point; null where there is no number.
export const grouped = (x, digits = 0) =>
    x == null
        ? null
        : x.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const article = (digit) => (digit === 8 ? "an" : "a");

export const capital = (text) => text && text[0].toUpperCase() + text.slice(1);

// base64 of numbers, little-endian: of uint8, of uint16, of float32.
export const unpackBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
export const packBytes = (numbers) =>
    btoa(Array.from(Uint8ClampedArray.from(numbers), (x) => String.fromCharCode(x)).join(""));
export const unpackWhole = (text) => new Uint16Array(unpackBytes(text).buffer);
export const unpack = (text) => new Float32Array(unpackBytes(text).buffer);
