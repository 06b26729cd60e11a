// The first convolution at work: its kernel slides over the input, and the map fills in number by
// number. All of it happens in the browser.
import { DIGITS, INPUT_LIMIT, numbersTable } from "./arithmetic.js";
import { roundUp, scaleOf, whenRestyled } from "./colours.js";
import { createFold, createWords, foldButton } from "./fold.js";
import { number, unpack, unpackShort } from "./format.js";
import { placeMark } from "./marks.js";
import { pixelAt, SHIFTS } from "./places.js";
import { createWhenSeen } from "./seen.js";
import { h, hear, say } from "./shared.js";

const PER_SECOND = 40; // numbers of the map, so that LeNet's 576 take a quarter of a minute

// How far a kernel hangs over the edge of the input at the first number of its map.
export const paddingOf = (input, kernel, map) => (map + kernel - 1 - input) / 2;

// The k×k numbers of the input (side×side) from a row and column on; 0 beyond its edges.
export const patchAt = (input, side, k, top, left) =>
    Array.from({ length: k }, (_, i) =>
        Array.from({ length: k }, (_, j) => {
            const [row, column] = [top + i, left + j];
            const inside = row >= 0 && row < side && column >= 0 && column < side;
            return inside ? input[row * side + column] : 0;
        }),
    );

// One channel of the first convolution, from the maps as the server sent them.
export const parse = (data, side, channel) => {
    const [, height, width] = data.rows[0].shape;
    const k = data.kernel;
    const [input, kernels] = [data.input, data.kernels].map(unpack);
    const all = unpackShort(data.rows[0].numbers, data.limit);
    const map = all.subarray(channel * height * width, (channel + 1) * height * width);
    const flat = kernels.subarray(channel * k * k, (channel + 1) * k * k);
    const kernel = Array.from({ length: k }, (_, i) => [...flat.subarray(i * k, (i + 1) * k)]);
    const [bias, padding] = [data.biases[channel], paddingOf(side, k, width)];
    return { input, side, kernel, bias, map, width, padding };
};

// What the kernel lies on for the number `at` of the map, the products, and their sum.
export const productsAt = ({ input, side, kernel, bias, width, padding }, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const patch = patchAt(input, side, kernel.length, row - padding, column - padding);
    const products = patch.map((line, i) => line.map((x, j) => x * kernel[i][j]));
    const sum = products.flat().reduce((total, x) => total + x, 0);
    return { row, column, patch, products, sum, bias, value: sum + bias };
};

const createCanvas = (label, attributes = {}) => {
    const canvas = h("canvas", {
        class: "pixels",
        role: "img",
        "aria-label": label,
        ...attributes,
    });
    const mark = h("span", { class: "map-mark", hidden: true });
    return { canvas, mark, node: h("div", { class: "slide-picture" }, canvas, mark) };
};

export default ({ element, props }) => {
    const { side } = props;
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const note = h("p", { class: "nothing" });
    const other = foldButton("Show conv1", () => {
        say("layer", "conv1");
        output.canvas.focus({ preventScroll: true });
    });
    const [input, output] = [
        createCanvas("The input"),
        createCanvas("The map, which fills in", { tabindex: 0 }),
    ];
    const play = foldButton("Play", () => (timer ? pause() : start()));
    const which = h("select", { onchange: () => restart() });
    const controls = h(
        "div",
        { class: "slide-controls" },
        play,
        foldButton("Back", () => step(-1)),
        foldButton("Step", () => step(1)),
        foldButton("From the start", () => restart()),
        h("label", {}, "Kernel", which),
    );
    const numbers = h("div", { class: "slide-numbers" });
    const sum = h("p", { class: "slide-sum" });
    const live = h("p", { class: "unseen", role: "status" }); // for steps, not while it plays
    const work = h(
        "div",
        { class: "slide-work" },
        controls,
        h("figure", {}, h("h3", {}, "input"), input.node),
        h("figure", {}, h("h3", {}, "products"), numbers, sum, live),
        h("figure", {}, h("h3", {}, "map"), output.node),
    );
    const { node, body } = createFold(
        "slide",
        "The kernel slides",
        "Watch the kernel slide",
        createWords(
            "slide",
            "A kernel is a small pattern of weights. At each position on the input, each weight is multiplied by the " +
                "number under it; the products are added up, and the sum is one number in the map. Where the ink looks like the " +
                "pattern, the sum is large: red. Where it looks like the opposite, it is below zero: blue. Point " +
                "at the map, or use the arrow keys on it, to move the kernel by hand.",
        ),
        work,
        note,
        other,
    );
    element.append(node);
    const whenSeen = createWhenSeen(body);
    let data = {}; // as the server sent it
    let layer = null; // the channel that is shown
    let at = 0; // the number of the map that is computed
    let timer = 0;

    const draw = () => {
        const missing = data.rows ? !data.kernels : true;
        work.hidden = missing;
        other.hidden = !data.rows || !missing;
        note.textContent = data.rows
            ? missing
                ? "Only the first convolution reads the picture itself."
                : ""
            : "The kernel slides as soon as there is a digit.";
        if (missing) return;
        const scale = scaleOf(element);
        const limit = roundUp(data.limit);
        const found = productsAt(layer, at);
        const { kernel, map, width, padding } = layer;
        for (const [{ canvas }, size] of [
            [input, side],
            [output, width],
        ])
            if (canvas.width !== size) [canvas.width, canvas.height] = [size, size];
        scale.paint(input.canvas, layer.input, 0, INPUT_LIMIT);
        scale.paint(
            output.canvas,
            map.map((x, i) => (i <= at ? x : 0)),
            0,
            limit,
        );
        const [top, left] = [found.row - padding, found.column - padding];
        const end = (x) => Math.min(side, x + kernel.length);
        placeMark(
            input.mark,
            [Math.max(0, top), Math.max(0, left), end(top), end(left)],
            [side, side],
        );
        placeMark(
            output.mark,
            [found.row, found.column, found.row + 1, found.column + 1],
            [width, width],
        );
        const kernelLimit = roundUp(data.kernel_limit);
        numbers.replaceChildren(
            numbersTable(found.patch, INPUT_LIMIT, scale),
            h("span", {}, "×"),
            numbersTable(kernel, kernelLimit, scale),
            h("span", {}, "="),
            numbersTable(found.products, INPUT_LIMIT * kernelLimit, scale),
        );
        const bias = `${found.bias < 0 ? "−" : "+"} ${number(Math.abs(found.bias), DIGITS)}`;
        sum.textContent = `Row ${found.row + 1}, column ${found.column + 1}: ${number(found.sum, DIGITS)} ${bias} (bias) = ${number(found.value, DIGITS)}`;
        play.hidden = still.matches;
        play.textContent = timer ? "Pause" : "Play";
    };
    const halt = () => {
        clearInterval(timer);
        timer = 0;
    };
    const pause = () => {
        halt();
        draw();
    };
    const move = (to) => {
        at = Math.max(0, Math.min(layer.map.length - 1, to));
        draw();
    };
    const step = (by) => {
        pause();
        move(at + by);
        live.textContent = sum.textContent;
    };
    const start = () => {
        if (at === layer.map.length - 1) at = 0;
        timer = setInterval(() => {
            if (at === layer.map.length - 1 || !work.isConnected) pause();
            else move(at + 1);
        }, 1000 / PER_SECOND);
        draw();
    };
    const choose = () => {
        layer = data.kernels ? parse(data, side, Number(which.value)) : null;
    };
    const restart = () => {
        choose();
        at = 0;
        pause();
    };
    output.canvas.onpointermove = (event) => {
        const size = [layer.width, layer.width];
        const { row, column } = pixelAt(event, output.canvas.getBoundingClientRect(), size);
        halt();
        move(row * layer.width + column);
    };
    output.canvas.onkeydown = (event) => {
        const [down, right] = SHIFTS[event.key] ?? [];
        if (down === undefined) return;
        event.preventDefault();
        step(down * layer.width + right);
    };
    draw();
    hear(element, "looked-at", (now) =>
        whenSeen(() => {
            data = now;
            if (data.kernels) {
                const count = data.rows[0].shape[0];
                if (which.length !== count)
                    which.replaceChildren(
                        ...Array.from({ length: count }, (_, i) =>
                            h("option", { value: i }, i + 1),
                        ),
                    );
                choose();
                at = Math.min(at, layer.map.length - 1);
                draw();
            } else pause();
        }),
    );
    whenRestyled(draw);
};
