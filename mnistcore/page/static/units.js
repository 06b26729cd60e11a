// The rest of a net: its linear layers as strips of units, the logits, the softmax, and the arithmetic
// behind each unit, from which one can walk back to a pixel.
import { ledgerRow, reluWords } from "./arithmetic.js";
import { roundUp, scaleOf, whenRestyled } from "./colours.js";
import { createFold, createWords } from "./fold.js";
import { number, percent, unpack } from "./format.js";
import { rowName } from "./grid.js";
import { placeMark } from "./marks.js";
import { pixelAt, placeName, SHIFTS } from "./places.js";
import { AGAIN, BUSY, createQuestion } from "./question.js";
import { createWhenSeen } from "./seen.js";
import { h, hear, say } from "./shared.js";
import { createTip } from "./tip.js";

const FLATTEN = "flatten";
const NOTHING = "The units appear as soon as there is a digit.";

// How many units of a layer stand side by side.
export const widthOf = (count) => {
    if (count <= 10) return count;
    return count <= 256 ? 32 : 128;
};

// Where a flattened number stood: [channels, height, width] of the maps, and its index.
export const unflatten = ([, height, width], index) => ({
    channel: Math.floor(index / (height * width)),
    row: Math.floor(index / width) % height,
    column: index % width,
});

// What training did to the numbers that a layer reads, in words.
export const dropoutWords = (share) =>
    share
        ? ` · In training, dropout left out ${Math.round(100 * share)} % of its inputs, different ones each time, so that no unit relies on just a few of them. Here all are used.`
        : "";

// The softmax of one digit in numbers.
export const softmaxWords = (logits, temperature, probs, digit) => {
    const exponent = (x) => `e^(${number(x, 2)} / ${temperature.toFixed(2)})`;
    return `P(${digit}) = ${exponent(logits[digit])} / (the sum of these powers for all ten logits) = ${percent(probs[digit])}`;
};

// One layer's numbers, a small square for each.
const createStrip = ({ name, numbers, title, note, wordsFor }, tip, pick) => {
    const width = widthOf(numbers.length);
    const height = Math.ceil(numbers.length / width);
    const canvas = h("canvas", {
        class: "pixels",
        width,
        height,
        tabindex: 0,
        role: "img",
        "data-layer": name,
        "aria-label": `${title}, ${numbers.length} numbers`,
    });
    const mark = h("span", { class: "map-mark", hidden: true });
    const around = h("div", { class: "units-strip" }, canvas, mark);
    around.style.setProperty("--columns", width);
    let at = 0;
    canvas.onclick = (event) => {
        const { row, column } = pixelAt(event, canvas.getBoundingClientRect(), [height, width]);
        if (row * width + column < numbers.length) pick(name, row * width + column);
    };
    canvas.onpointermove = (event) => {
        const { row, column } = pixelAt(event, canvas.getBoundingClientRect(), [height, width]);
        const unit = row * width + column;
        if (unit < numbers.length) tip.follow(event, numbers[unit], wordsFor(unit));
        else tip.hide();
    };
    canvas.onpointerleave = tip.hide;
    canvas.onkeydown = (event) => {
        const [down, right] = SHIFTS[event.key] ?? [];
        const next = event.key === "Enter" ? at : at + down * width + right;
        if (!(next >= 0 && next < numbers.length)) return;
        event.preventDefault();
        if (name === FLATTEN && event.key !== "Enter") strip.mark(next);
        else pick(name, next);
    };
    const strip = {
        name,
        node: h("figure", {}, h("h3", {}, title, h("span", { class: "row-note" }, note)), around),
        paint: (scale, limit) => {
            const whole = new Float32Array(width * height);
            whole.set(numbers);
            scale.paint(canvas, whole, 0, limit);
        },
        focus: () => canvas.focus(),
        mark: (unit) => {
            mark.hidden = unit === null;
            if (unit === null) return;
            at = unit;
            const [row, column] = [Math.floor(unit / width), unit % width];
            placeMark(mark, [row, column, row + 1, column + 1], [height, width]);
        },
    };
    return strip;
};

const cells = (kind, texts) => texts.map((text) => h(kind, {}, text));

// Logits, what they are divided by, and the probabilities, digit by digit.
const softmaxTable = (logits, temperature, probs) =>
    h(
        "table",
        { class: "units-softmax" },
        h(
            "thead",
            {},
            h(
                "tr",
                {},
                ...cells("th", ["digit", "logit", `÷ ${temperature.toFixed(2)}`, "probability"]),
            ),
        ),
        h(
            "tbody",
            {},
            ...[...logits].map((x, digit) =>
                h(
                    "tr",
                    {},
                    h("th", { scope: "row" }, digit),
                    ...cells("td", [
                        number(x, 2),
                        number(x / temperature, 2),
                        percent(probs[digit]),
                    ]),
                ),
            ),
        ),
    );

export default ({ element, server }) => {
    const strips = h("div", { class: "units-strips" });
    const panel = h("div", { class: "arithmetic" });
    const live = h("p", { class: "unseen", role: "status" });
    const note = h("p", { class: "nothing" });
    const tip = createTip(element);
    const words = createWords(
        "units",
        "The last maps are flattened into one long row. Each unit of a linear layer multiplies every number " +
            "before it by a weight of its own and adds up the products. Softmax turns the ten sums of the " +
            "last layer, the logits, into probabilities that add up to 1. Choose a unit to see its largest products, " +
            "and follow them back to the pixels.",
    );
    const temperature = h("span");
    const calibration = createWords(
        "calibration",
        "The logits are divided by ",
        temperature,
        ", the temperature, which was chosen on digits the net had not seen: of all answers given a probability of 90 %, " +
            "about 90 % are then right. The net is calibrated.",
    );
    const { node, body } = createFold(
        "units",
        "Linear layers",
        "From the maps to the answer",
        words,
        strips,
        panel,
        live,
        note,
    );
    element.append(node, tip.node);
    const [question, ledgerQuestion] = [
        createQuestion((what) => server.units(what), true),
        createQuestion((what) => server.unit(what)),
    ];
    const whenSeen = createWhenSeen(body);
    let asked = null; // {image, net}
    let found = null; // what is shown
    let shown = []; // the strips
    let picked = null; // {name, unit}; null for the logit of the answer

    const stop = (text) => {
        found = null;
        note.textContent = text;
        body.classList.add("empty");
    };
    const before = (name) =>
        found.layers[found.layers.findIndex((layer) => layer.name === name) - 1];
    // A source of a unit's sum: where it stands, and how to get there.
    const source = (name, index) => {
        const earlier = before(name);
        if (earlier)
            return {
                text: `${earlier.name}, unit ${index + 1}`,
                go: () => pick(earlier.name, index, true),
            };
        const place = unflatten(found.shape, index);
        return {
            text: `${placeName(place)} of ${rowName(found.maps)}`,
            go: () => say("walk", { name: found.maps, ...place }),
        };
    };
    const ledger = ({ name, unit, terms, rest, bias, value, relu }) => {
        const last = name === found.layers.at(-1).name;
        const rows = terms.map(({ source: index, input, weight }) => {
            const { text, go } = source(name, index);
            const product = `${number(input, 2)} × ${number(weight, 3)}`;
            const button = h("button", { type: "button", class: "walk", onclick: go }, `${text} →`);
            return ledgerRow(product, input * weight, button);
        });
        if (rest.count) rows.push(ledgerRow(`${rest.count} more`, rest.sum));
        rows.push(ledgerRow("+ bias", bias), ledgerRow("= sum", value));
        if (relu !== null) rows.push(ledgerRow("ReLU", relu, reluWords(value)));
        const title = last ? `Logit of ${unit}` : `${name}, unit ${unit + 1}`;
        const nodes = [
            h("h3", {}, title),
            h("table", { class: "ledger" }, h("tbody", {}, ...rows)),
        ];
        if (last) {
            const logits = found.layers.at(-1).numbers;
            const text = softmaxWords(logits, found.temperature, found.probs, unit);
            nodes.push(h("p", { class: "units-softmax-words" }, text));
        }
        panel.replaceChildren(...nodes);
    };
    const pick = (name, unit, focus = false) => {
        if (name === FLATTEN) {
            say("walk", { name: found.maps, ...unflatten(found.shape, unit) });
            return;
        }
        picked = { name, unit };
        explain(name, unit);
        const { numbers } = found.layers.find((layer) => layer.name === name);
        live.textContent = `${name}, unit ${unit + 1}: ${number(numbers[unit], 2)}`;
        if (focus) shown.find((strip) => strip.name === name).focus();
    };
    const explain = (name, unit) => {
        for (const strip of shown) strip.mark(strip.name === name ? unit : null);
        ledgerQuestion.ask({ image: found.image, net: found.net, name, unit }, (answer) => {
            if (!found) return;
            if (answer) ledger(answer);
            else panel.replaceChildren(h("p", { class: "nothing", role: "alert" }, BUSY));
        });
    };
    const draw = () => {
        if (!found) return;
        const scale = scaleOf(element);
        const limit = roundUp(found.limit);
        const last = found.layers.at(-1);
        const flatten = {
            name: FLATTEN,
            numbers: found.inputs,
            title: FLATTEN,
            note: `${rowName(found.maps)} in one row: ${found.inputs.length} numbers; scale of all layers: ±${limit}`,
            wordsFor: (unit) => placeName(unflatten(found.shape, unit)),
        };
        const layers = found.layers.map(({ name, numbers, relu, dropout }) => ({
            name,
            numbers,
            title: relu ? `${name} + ReLU` : name,
            note:
                (name === last.name ? "10 logits, for 0 to 9" : `${numbers.length} units`) +
                dropoutWords(dropout),
            wordsFor: (unit) => (name === last.name ? `logit of ${unit}` : `unit ${unit + 1}`),
        }));
        shown = [flatten, ...layers].map((layer) => createStrip(layer, tip, pick));
        for (const strip of shown) strip.paint(scale, limit);
        const table = softmaxTable(last.numbers, found.temperature, found.probs);
        temperature.textContent = found.temperature.toFixed(2);
        strips.replaceChildren(
            ...shown.map(({ node }) => node),
            h("figure", {}, h("h3", {}, "softmax"), calibration, table),
        );
        body.classList.remove("empty");
        note.textContent = "";
        const there = found.layers.find((layer) => layer.name === picked?.name);
        if (there && picked.unit < there.numbers.length) explain(picked.name, picked.unit);
        else explain(last.name, found.probs.indexOf(Math.max(...found.probs)));
    };
    const parse = (answer) => ({
        ...answer,
        inputs: unpack(answer.inputs),
        layers: answer.layers.map((layer) => ({ ...layer, numbers: unpack(layer.numbers) })),
    });
    stop(NOTHING);
    const take = (data) => {
        if (!data.rows) {
            asked = null;
            stop(NOTHING);
            return;
        }
        const now = { image: data.digit, net: data.stage.split(" ")[0] };
        if (found && asked?.image === now.image && asked.net === now.net) return; // another layer
        if (asked?.net !== now.net) picked = null;
        asked = now;
        question.ask(asked, (answer, { image, net }) => {
            if (!answer) {
                note.textContent = AGAIN;
                return;
            }
            found = { ...parse(answer), image, net };
            draw();
        });
    };
    hear(element, "looked-at", (data) => {
        if (!data.rows) {
            question.forget();
            ledgerQuestion.forget();
        }
        whenSeen(() => take(data));
    });
    whenRestyled(draw);
};
