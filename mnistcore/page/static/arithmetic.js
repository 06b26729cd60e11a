// The arithmetic behind one pixel of a map: patches times kernels, bias, ReLU, maximum.
import { readableOn } from "./colours.js";
import { capital, number, short } from "./format.js";
import { rowName } from "./grid.js";
import { isPooled, placeName, winnerOf } from "./places.js";
import { h } from "./shared.js";

export const DIGITS = 4; // after the point
// The colours of the input's patch: normalised ink is from -0.42 (paper) to 2.82 (ink).
export const INPUT_LIMIT = 3;

// Numbers in their colours, as a table.
export const numbersTable = (numbers, limit, scale) => {
    const cell = (x) => {
        const node = h("td", {}, short(x));
        node.style.background = scale.css(x, limit);
        node.style.color = readableOn(scale.rgb(x, limit));
        return node;
    };
    const rows = numbers.map((line) => h("tr", {}, ...line.map(cell)));
    return h("table", { class: "numbers", role: "presentation" }, h("tbody", {}, ...rows));
};

// The row and column of the largest product, whatever its sign, within a patch.
export const largest = (patch, kernel) => {
    let best = [0, 0];
    const size = ([row, column]) => Math.abs(patch[row][column] * kernel[row][column]);
    patch.forEach((line, row) => {
        line.forEach((_, column) => {
            if (size([row, column]) > size(best)) best = [row, column];
        });
    });
    return best;
};

// A button that leads to where the largest product of a plane comes from.
const wayBack = ({ plane, patch, kernel }, source, walk) => {
    const [row, column] = largest(patch, kernel);
    const [x, w] = [patch[row][column], kernel[row][column]];
    if (x * w === 0) return null;
    const place = { channel: plane, row: source[1] + row, column: source[2] + column };
    const words = `largest: ${number(x, 2)} × ${number(w, 2)} = ${number(x * w, 2)} →`;
    const title = source[0] ? `Go to ${placeName(place)}` : "Show this pixel of the input";
    const go = () => walk({ name: source[0], ...place });
    return h("button", { type: "button", class: "walk", title, onclick: go }, words);
};

// One plane of the input and its kernel, and the sum of their products.
const term = (found, one, data, scale) => {
    const { plane, patch, kernel, sum } = one;
    const first = data.inputs === 1;
    const titles = first
        ? ["patch of the input", `kernel ${found.channel + 1}`]
        : [`patch of map ${plane + 1}`, "its kernel"];
    return h(
        "div",
        { class: "term" },
        h(
            "div",
            {},
            h("h4", {}, titles[0]),
            numbersTable(patch, first ? INPUT_LIMIT : data.limit, scale),
        ),
        h("span", { class: "sign" }, "×"),
        h("div", {}, h("h4", {}, titles[1]), numbersTable(kernel, data.kernelLimit, scale)),
        h("p", { class: "sum" }, "products add up to ", h("b", {}, number(sum, DIGITS))),
    );
};

export const reluWords = (value) => (value < 0 ? "below zero: becomes 0" : "not below zero: kept");

export const ledgerRow = (label, value, note = "", name = null) => {
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
const pooledWindow = (found) => {
    const best = winnerOf(found);
    const cell = (x, i) => h("span", { class: i === best ? "won" : "" }, number(x, 2));
    return h("span", { class: "window" }, ...found.window.flat().map(cell));
};

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
        rows.push(ledgerRow("ReLU", relu, reluWords(value), "relu"));
    }
    if (pooled !== null) rows.push(ledgerRow("2×2 maximum", pooled, pooledWindow(found), "pooled"));
    return h("table", { class: "ledger" }, h("tbody", {}, ...rows.filter((one) => one !== null)));
};

// The panel of what the server found for a picked place of the maps in `data`. Calls `walk` with the
// place that a product comes from, {name, channel, row, column}; the name of the input is "".
export const arithmetic = (found, picked, data, scale, walk) => [
    h("h3", {}, `${capital(placeName(picked))}, of ${rowName(found.name)}`),
    ...found.planes.map((plane) => term(found, plane, data, scale)),
    ledger(found),
    h(
        "p",
        { class: "walks" },
        ...found.planes.map((plane) => wayBack(plane, found.source, walk)).filter(Boolean),
    ),
];
