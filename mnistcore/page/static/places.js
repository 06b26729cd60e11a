// Where a number stands: in its map, in the maps that follow, in the input.

export const isPooled = (name) => name.endsWith("+pool");

// Rows and columns that an arrow key moves.
export const SHIFTS = {
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
};

// As people count: from one.
export const placeName = ({ channel, row, column }, kind = "map") =>
    `${kind} ${channel + 1}, row ${row + 1}, column ${column + 1}`;

// The pixel of a row of maps that belongs to the convolution's pixel: pooling halves both sides.
export const pixelIn = (name, { row, column }) =>
    isPooled(name) ? [row >> 1, column >> 1] : [row, column];

// The 2×2 window of a map in which a convolution's pixel competes for the maximum, as [top, left,
// bottom, right]; null in a pooled map, and where no pooling follows.
export const windowIn = (name, { row, column, pooled }) => {
    if (isPooled(name) || pooled === null) return null;
    const [top, left] = [row & ~1, column & ~1];
    return [top, left, top + 2, left + 2];
};

// The index, from 0 to 3, of the number in a 2×2 window that is the maximum; null where several
// are equal, as where ReLU makes all four zero.
export const winnerOf = ({ window, pooled }) => {
    const equal = window.flat().flatMap((x, i) => (x === pooled ? [i] : []));
    return equal.length === 1 ? equal[0] : null;
};

// The part of the input that a pixel sees, without what hangs over its edges.
export const clip = ([top, left, bottom, right], side) => [
    Math.max(0, top),
    Math.max(0, left),
    Math.min(side, bottom),
    Math.min(side, right),
];

// The place that a key moves to; it stays within the maps' [channels, height, width].
export const moved = ({ channel, row, column }, step, shape) => {
    const place = [channel, row, column].map((at, i) =>
        Math.max(0, Math.min(shape[i] - 1, at + step[i])),
    );
    return { channel: place[0], row: place[1], column: place[2] };
};

// The pixel of a picture under a pointer: row and column.
export const pixelAt = ({ clientX, clientY }, box, [height, width]) => {
    const inside = (x, count) => Math.max(0, Math.min(count - 1, Math.floor(x * count)));
    return {
        row: inside((clientY - box.top) / box.height, height),
        column: inside((clientX - box.left) / box.width, width),
    };
};
