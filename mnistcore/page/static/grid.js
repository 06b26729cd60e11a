// The maps of one stage as rows of small canvases, one pixel per number.
import { createMarks } from "./marks.js";
import { pixelAt } from "./places.js";
import { h } from "./shared.js";

const OPERATIONS = { relu: "ReLU", pool: "max pooling" };
export const KERNELS = "kernels"; // the row of a convolution's kernels, before its maps
const NUMBERED = 16; // most maps in a row with numbers below them: more would leave no room
const MOST_NAMED = 8; // most dead maps that are listed one by one

// "conv1+relu" -> "conv1 + ReLU".
export const rowName = (key) =>
    key
        .split("+")
        .map((part) => OPERATIONS[part] ?? part)
        .join(" + ");

// How many maps fit side by side on a wide screen: few large ones, or many small ones.
export const columns = (count, width) => {
    if (count <= 6) return count;
    if (count <= NUMBERED) return 8;
    return count <= 64 && width >= 3 ? 16 : 32;
};

// The dead maps of a row in words; `dead` has their indices.
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
    const cells = canvases.map((canvas, i) =>
        h(
            "figure",
            {},
            h("div", { class: "map" }, canvas),
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
    const marks = createMarks();
    return { key, words: shapeWords(shape), node, canvases, marks, cells, note, width, height };
};

export const createGrid = () => {
    const node = h("div", { class: "maps-rows" });
    let rows = new Map(); // by key
    const all = () => [...rows.values()];

    const hideMarks = () => {
        for (const { marks } of all()) marks.hide();
    };
    return {
        node,
        hideMarks,
        // Rows of {name, shape, numbers, limit, dead, note, more}, painted. A note replaces the words for
        // a row's shape; more is added to them.
        draw: (given, scale) => {
            const before = all();
            const now = given.map(({ name, shape, numbers, limit, dead, note, more = "" }) => {
                const known = rows.get(name);
                const row = known?.words === shapeWords(shape) ? known : createRow(name, shape);
                row.numbers = numbers;
                row.canvases.forEach((canvas, i) => {
                    scale.paint(canvas, numbers, i * row.width * row.height, limit);
                    row.cells[i].classList.toggle("dead", dead.includes(i));
                });
                row.note.textContent = note ?? row.words + deadWords(dead) + more;
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
        // {name, channel, row, column} under a pointer, or null.
        placeAt: (event) => {
            const canvas = event.target.closest?.("canvas[data-key]");
            if (!canvas) return null;
            const { key, channel } = canvas.dataset;
            const size = [canvas.height, canvas.width];
            const pixel = pixelAt(event, canvas.getBoundingClientRect(), size);
            return { name: key, channel: Number(channel), ...pixel };
        },
        // The number of a place; undefined if there is none, or no digit.
        valueAt: ({ name, channel, row, column }) => {
            const { numbers, width, height } = rows.get(name) ?? {};
            return numbers?.[(channel * height + row) * width + column];
        },
        // [channels, height, width] of a row; undefined if there is none.
        shapeOf: (name) => {
            const row = rows.get(name);
            return row && [row.canvases.length, row.height, row.width];
        },
        canvasOf: ({ name, channel }) => rows.get(name).canvases[channel],
        focus: ({ name, channel }, options) => rows.get(name)?.canvases[channel]?.focus(options),
        // Marks what the server found for a pixel on the map of each row, and the map's kernel.
        mark: (found) => {
            for (const { key, marks, canvases, height, width } of all()) {
                const around = canvases[found.channel].parentElement;
                if (key === KERNELS) marks.showWhole(around);
                else marks.show(around, key, found, [height, width]);
            }
        },
    };
};
