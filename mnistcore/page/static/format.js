// Numbers and words as the page writes them, and numbers as Python sends them.

const SHORT_MAX = 32_767; // of int16
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

// base64 of numbers, little-endian: of uint8, of int8, of uint16, of float32.
export const unpackBytes = (text) => {
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    // A tenth of the time that Uint8Array.from takes, for up to 100,000 bytes at each stroke.
    for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
    return bytes;
};
export const packBytes = (numbers) =>
    btoa(Array.from(Uint8ClampedArray.from(numbers), (x) => String.fromCharCode(x)).join(""));
export const unpackSigned = (text) => new Int8Array(unpackBytes(text).buffer);
export const unpackWhole = (text) => new Uint16Array(unpackBytes(text).buffer);
// Numbers in ±limit that come as int16.
export const unpackShort = (text, limit) =>
    Float32Array.from(new Int16Array(unpackBytes(text).buffer), (x) => (x * limit) / SHORT_MAX);
export const unpack = (text) => new Float32Array(unpackBytes(text).buffer);
