// The maps of one stage as rows of small canvases, one pixel per number.
import { h } from "./shared.js";

const OPERATIONS = { relu: "ReLU", pool: "max pooling" };
export const KERNELS = "kernels"; // the row of a convolution's kernels, before its maps
const NUMBERED = 16; // maps in a row that have numbers below them; with more, there is no room
const MOST_NAMED = 8; // dead maps that are named one by one

// "conv1+relu" -> "conv1 + ReLU".
export const rowName = (key) =>
    key
        .split("+")
        .map((part) => OPERATIONS[part] ?? part)
        .join(" + ");

// How many maps stand side by side: few large ones, or many small ones.
export const columns = (count, width) => {
    if (count <= 6) return count;
    if (count <= NUMBERED) return 8;
    return count <= 64 && width >= 3 ? 16 : 32;
};

// The dead maps of a row in words; `dead` has their numbers, from 0.
export const deadWords = (dead) => {
    if (!dead.length) return "";
    const numbers = dead.map((i) => i + 1).join(", ");
    const which = dead.length > MOST_NAMED ? `${dead.length} maps` : `maps ${numbers}`;
    const subject = dead.length === 1 ? `map ${numbers} is` : `${which} are`;
    return ` · ${subject} dead here: zero everywhere`;
};

const shapeWords = ([count, height, width]) => `${count} of ${height}×${width}`;

// A row that is not yet painted.
const createRow = (key, shape) => {
    const [count, height, width] = shape;
    const canvases = Array.from({ length: count }, (_, channel) =>
        h("canvas", {
            class: "pixels",
            width,
            height,
            tabindex: channel || key === KERNELS ? -1 : 0,
            role: "img",
            "aria-label": `${rowName(key)}, map ${channel + 1}`,
            "data-key": key,
            "data-channel": channel,
        }),
    );
    const marks = canvases.map(() => h("span", { class: "map-mark", hidden: true }));
    const cells = canvases.map((canvas, i) =>
        h(
            "figure",
            {},
            h("div", { class: "map" }, canvas, marks[i]),
            count <= NUMBERED ? h("figcaption", {}, i + 1) : null,
        ),
    );
    const note = h("span", { class: "row-note" });
    const node = h(
        "div",
        { class: "maps-row" },
        h("h3", {}, rowName(key), note),
        h("div", { class: "maps-cells" }, ...cells),
    );
    node.style.setProperty("--columns", columns(count, width));
    node.classList.toggle("many", count > NUMBERED);
    return { key, words: shapeWords(shape), node, canvases, marks, cells, note, width, height };
};

// Puts a mark over a part of a picture; all in the picture's pixels.
export const placeMark = (mark, [top, left, bottom, right], [height, width]) => {
    mark.hidden = false;
    mark.style.top = `${(100 * top) / height}%`;
    mark.style.left = `${(100 * left) / width}%`;
    mark.style.height = `${(100 * (bottom - top)) / height}%`;
    mark.style.width = `${(100 * (right - left)) / width}%`;
};

// The pixel of a picture under a pointer: row and column.
export const pixelAt = ({ clientX, clientY }, box, [height, width]) => {
    const inside = (x, count) => Math.max(0, Math.min(count - 1, Math.floor(x * count)));
    return {
        row: inside((clientY - box.top) / box.height, height),
        column: inside((clientX - box.left) / box.width, width),
    };
};

export const createGrid = () => {
    const node = h("div", { class: "maps-rows" });
    let rows = new Map(); // by key
    const all = () => [...rows.values()];

    const hideMarks = () => {
        for (const mark of all().flatMap((row) => row.marks)) mark.hidden = true;
    };
    return {
        node,
        hideMarks,
        // Rows of {name, shape, numbers, limit, dead, note}, painted.
        draw: (given, scale) => {
            const before = all();
            const now = given.map(({ name, shape, numbers, limit, dead, note }) => {
                const known = rows.get(name);
                const row = known?.words === shapeWords(shape) ? known : createRow(name, shape);
                row.numbers = numbers;
                row.canvases.forEach((canvas, i) => {
                    scale.paint(canvas, numbers, i * row.width * row.height, limit);
                    row.cells[i].classList.toggle("dead", dead.includes(i));
                });
                row.note.textContent = note ?? row.words + deadWords(dead);
                return row;
            });
            rows = new Map(now.map((row) => [row.key, row]));
            if (now.length !== before.length || now.some((row, i) => row !== before[i]))
                node.replaceChildren(...now.map((row) => row.node));
        },
        // Without a digit: the rows stay, so that nothing below them moves.
        blank: () => {
            if (!rows.size) {
                const words = "The maps appear as soon as there is a digit.";
                node.replaceChildren(h("p", { class: "nothing" }, words));
            }
            for (const row of all().filter(({ key }) => key !== KERNELS)) {
                row.numbers = null;
                row.note.textContent = row.words;
                for (const canvas of row.canvases)
                    canvas.getContext("2d").clearRect(0, 0, row.width, row.height);
                for (const cell of row.cells) cell.classList.remove("dead");
            }
        },
        // {name, channel, row, column} under a pointer, or null; and the number of such a place.
        placeAt: (event) => {
            const canvas = event.target.closest?.("canvas[data-key]");
            if (!canvas) return null;
            const { key, channel } = canvas.dataset;
            const size = [canvas.height, canvas.width];
            const pixel = pixelAt(event, canvas.getBoundingClientRect(), size);
            return { name: key, channel: Number(channel), ...pixel };
        },
        valueAt: ({ name, channel, row, column }) => {
            const { numbers, width, height } = rows.get(name);
            return numbers?.[(channel * height + row) * width + column];
        },
        // [channels, height, width] of a row; undefined if there is none.
        shapeOf: (name) => {
            const row = rows.get(name);
            return row && [row.canvases.length, row.height, row.width];
        },
        focus: ({ name, channel }, options) => rows.get(name).canvases[channel].focus(options),
        // Marks the pixel that `pixelOf` gives for each row, and the channel's kernel.
        mark: (channel, pixelOf) => {
            hideMarks();
            for (const row of all()) {
                if (row.key === KERNELS) {
                    placeMark(row.marks[channel], [0, 0, 1, 1], [1, 1]);
                    continue;
                }
                const [y, x] = pixelOf(row.key);
                placeMark(row.marks[channel], [y, x, y + 1, x + 1], [row.height, row.width]);
            }
        },
    };
};
