// A drawing as text: for this tab's memory, and as the letters of a link. It holds the strokes
// themselves, so that the copy is exact: JSON, for a link deflated (which adds a checksum, so that
// damage shows), in base64url. A stroke is [width, 1 if it erases, x, y, and the steps from point to point]; a picture is its PNG in base64.
import { GRID, THICKEST, THINNEST } from "./drawing.js";

export const LONGEST = 8000; // letters: some programs cut off longer links
const MOST_JSON = 100_000; // letters: 8,000 letters may unpack to 6 MB, which would take long to draw
const PNG = "data:image/png;base64,";

const piped = (data, stream) => new Response(new Blob([data]).stream().pipeThrough(stream));

// Points <-> the steps between them in units of the grid, x and y in turn.
const toSteps = (points) =>
    points.flatMap(([x, y], i) => {
        const [left, top] = points[i - 1] ?? [0, 0];
        return [(x - left) / GRID, (y - top) / GRID];
    });
const toPoints = (steps) => {
    let [x, y] = [0, 0];
    return Array.from({ length: steps.length / 2 }, (_, i) => {
        x += GRID * steps[2 * i];
        y += GRID * steps[2 * i + 1];
        return [x, y];
    });
};

// The operations of a drawing as JSON.
export const toJSON = (operations) =>
    JSON.stringify(
        operations.map(({ points, width, erase, picture }) =>
            picture ? picture.slice(PNG.length) : [width, Number(erase), ...toSteps(points)],
        ),
    );

// The letters of a drawing's operations; null if they are more than a link can hold.
export const encode = async (operations) => {
    const json = toJSON(operations);
    if (json.length > MOST_JSON) return null;
    const packed = new Uint8Array(
        await piped(json, new CompressionStream("deflate")).arrayBuffer(),
    );
    if (packed.length > LONGEST) return null; // btoa's argument must stay short
    const letters = btoa(String.fromCharCode(...packed))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replaceAll("=", "");
    return letters.length > LONGEST ? null : letters;
};

const isStroke = (stroke) =>
    Array.isArray(stroke) &&
    stroke.length >= 4 &&
    stroke.length % 2 === 0 &&
    stroke.every(Number.isInteger) &&
    stroke[0] >= THINNEST &&
    stroke[0] <= THICKEST &&
    (stroke[1] === 0 || stroke[1] === 1);

// The operations in JSON; throws where it is damaged.
export const fromJSON = (json) =>
    JSON.parse(json).map((stroke) => {
        if (typeof stroke === "string") return { picture: PNG + stroke };
        if (!isStroke(stroke)) throw new TypeError("not a stroke");
        const [width, erase, ...steps] = stroke;
        return { points: toPoints(steps), width, erase: erase === 1 };
    });

// The operations in a link's letters; rejects where these are damaged.
export const decode = async (letters) => {
    if (letters.length > LONGEST) throw new RangeError("too long");
    const packed = Uint8Array.from(
        atob(letters.replaceAll("-", "+").replaceAll("_", "/")),
        (letter) => letter.charCodeAt(0),
    );
    const json = await piped(packed, new DecompressionStream("deflate")).text();
    if (json.length > MOST_JSON) throw new RangeError("too long");
    return fromJSON(json);
};
