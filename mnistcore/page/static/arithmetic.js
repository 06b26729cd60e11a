// The arithmetic behind one pixel of a map: patches times kernels, bias, ReLU, maximum.
import { readableOn } from "./colours.js";
import { capital, number, short } from "./format.js";
import { rowName } from "./grid.js";
import { h } from "./shared.js";

const DIGITS = 4; // after the point
// The colours of the input's patch: normalised ink is from -0.42 (paper) to 2.82 (ink).
const INPUT_LIMIT = 3;

const isPooled = (name) => name.endsWith("+pool");

// As people count: from one.
export const placeName = ({ channel, row, column }, kind = "map") =>
    `${kind} ${channel + 1}, row ${row + 1}, column ${column + 1}`;

// The pixel of a row of maps that belongs to the convolution's pixel: pooling halves both sides.
export const pixelIn = (name, { row, column }) =>
    isPooled(name) ? [row >> 1, column >> 1] : [row, column];

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

const table = (numbers, limit, scale) => {
    const cell = (x) => {
        const node = h("td", {}, short(x));
        node.style.background = scale.css(x, limit);
        node.style.color = readableOn(scale.rgb(x, limit));
        return node;
    };
    const rows = numbers.map((line) => h("tr", {}, ...line.map(cell)));
    return h("table", { class: "numbers", role: "presentation" }, h("tbody", {}, ...rows));
};

// One plane of the input and its kernel, and the sum of their products.
const term = ({ plane, patch, kernel, sum }, channel, data, scale) => {
    const first = data.inputs === 1;
    const titles = first
        ? ["patch of the input", `kernel ${channel + 1}`]
        : [`patch of map ${plane + 1}`, "its kernel"];
    return h(
        "div",
        { class: "term" },
        h("div", {}, h("h4", {}, titles[0]), table(patch, first ? INPUT_LIMIT : data.limit, scale)),
        h("span", { class: "sign" }, "×"),
        h("div", {}, h("h4", {}, titles[1]), table(kernel, data.kernelLimit, scale)),
        h("p", { class: "sum" }, "products add up to ", h("b", {}, number(sum, DIGITS))),
    );
};

const ledgerRow = (label, value, note = "", name = null) => {
    const text = number(value, DIGITS);
    return h(
        "tr",
        {},
        h("th", { scope: "row" }, label),
        h("td", {}, name ? h("b", { "data-is": name }, text) : text),
        h("td", {}, note),
    );
};

// The four numbers of a 2×2 maximum, the greatest marked.
const pooledWindow = ({ window, pooled }) =>
    h(
        "span",
        { class: "window" },
        ...window.flat().map((x) => h("span", { class: x === pooled ? "won" : "" }, number(x, 2))),
    );

const ledger = (found) => {
    const { rest, bias, value, relu, pooled, row, column } = found;
    const products = found.planes.reduce((total, { sum }) => total + sum, rest.sum);
    const winner = isPooled(found.name) ? `, row ${row + 1}, column ${column + 1}` : "";
    const layer = found.stage.split(" ")[1];
    const rows = [
        rest.count ? ledgerRow(`${rest.count} more maps`, rest.sum) : null,
        ledgerRow("sum of products", products),
        ledgerRow("+ bias", bias),
        ledgerRow("= value", value, layer + winner, "value"),
    ];
    if (relu !== null) {
        const note = value < 0 ? "below zero: becomes 0" : "not below zero: stays";
        rows.push(ledgerRow("ReLU", relu, note, "relu"));
    }
    if (pooled !== null) rows.push(ledgerRow("2×2 maximum", pooled, pooledWindow(found), "pooled"));
    return h("table", { class: "ledger" }, h("tbody", {}, ...rows.filter((one) => one !== null)));
};

// The panel of what the server found for a picked place of the maps in `data`.
export const arithmetic = (found, picked, data, scale) => [
    h("h3", {}, `${capital(placeName(picked))}, of ${rowName(found.name)}`),
    ...found.planes.map((plane) => term(plane, found.channel, data, scale)),
    ledger(found),
];
