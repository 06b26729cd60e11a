// A chart of two curves over the epochs, training and validation, and of the run before in grey.
import { h, svg } from "./shared.js";

const [WIDTH, HEIGHT] = [440, 250]; // of the whole drawing, in its own units
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 430, 10, 210]; // where the curves are
const MOST_TICKS = 6; // on the axis of the epochs
const LEAST = 1e-4; // of what is drawn on a logarithmic axis

// Round numbers from 0 to `most`, at most MOST_TICKS + 1.
export const ticksTo = (most) => {
    const power = 10 ** Math.floor(Math.log10(most / MOST_TICKS));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => most / one <= MOST_TICKS);
    return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) =>
        Number((i * step).toPrecision(6)),
    );
};

// Two scales: [ticks, position of a number between 0 (bottom) and 1 (top), its name].
export const linear = {
    ticks: () => [0, 0.25, 0.5, 0.75, 1],
    at: (x) => x,
    name: (x) => `${100 * x} %`,
};

// A logarithmic scale that holds all numbers, from one power of ten to another.
export const logarithmic = (numbers) => {
    const exponents = numbers.map((x) => Math.log10(Math.max(x, LEAST)));
    const low = Math.floor(Math.min(-1, ...exponents));
    const high = Math.ceil(Math.max(0.5, ...exponents) * 2) / 2; // half a power may be enough
    const whole = Array.from({ length: Math.floor(high) - low + 1 }, (_, i) => low + i);
    return {
        ticks: () => whole.map((exponent) => Number(`1e${exponent}`)),
        at: (x) => (Math.log10(Math.max(x, LEAST)) - low) / (high - low),
        name: String,
    };
};

// [[epoch, number], …] as the path of an SVG.
export const pathOf = (points, most, scale) =>
    points
        .map(([epoch, number], i) => {
            const x = LEFT + ((RIGHT - LEFT) * epoch) / most;
            const y = BOTTOM - (BOTTOM - TOP) * scale.at(number);
            return `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
        })
        .join("");

// `key` is the place of the number in a point's pairs `train` and `val`.
export const createChart = (title, key, log, words) => {
    const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    const legend = ["train", "val"].map((kind) => h("span", { class: `chart-key ${kind}` }));
    const earlierKey = h("span", { class: "chart-key earlier", hidden: true }, "previous run");
    const node = h(
        "figure",
        { class: "learning" },
        h("h3", {}, title),
        h("figcaption", {}, ...legend, earlierKey),
        drawing,
    );
    const seriesOf = (points, kind) =>
        points.filter((point) => point[kind]).map((point) => [point.epoch, point[kind][key]]);
    const axes = (most, scale) => [
        ...scale.ticks().flatMap((tick) => {
            const y = BOTTOM - (BOTTOM - TOP) * scale.at(tick);
            return [
                svg("line", { x1: LEFT, x2: RIGHT, y1: y, y2: y, class: "chart-line" }),
                svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, scale.name(tick)),
            ];
        }),
        ...ticksTo(most).map((tick) => {
            const x = LEFT + ((RIGHT - LEFT) * tick) / most;
            return svg("text", { x, y: BOTTOM + 16, "text-anchor": "middle" }, tick);
        }),
        svg("text", { x: (LEFT + RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, "epochs"),
    ];
    // Draws a run and the one before it: {epochs, points}; null where there is none.
    const draw = (run, before) => {
        const most = Math.max(run?.epochs ?? 1, before?.epochs ?? 1);
        const all = [before, run].filter(Boolean).flatMap(({ points }) => points);
        const numbers = ["train", "val"].flatMap((kind) => seriesOf(all, kind).map(([, x]) => x));
        const scale = log ? logarithmic(numbers) : linear;
        const curve = (one, kind, extra) =>
            svg("path", {
                d: pathOf(seriesOf(one.points, kind), most, scale),
                class: `curve-${kind} ${extra}`,
            });
        const curves = (one, extra) =>
            (one ? ["train", "val"] : []).map((k) => curve(one, k, extra));
        drawing.replaceChildren(
            ...axes(most, scale),
            ...curves(before, "earlier"),
            ...curves(run, ""),
        );
        const told = ["train", "val"].map((kind) => {
            const last = run && seriesOf(run.points, kind).at(-1);
            return `${kind === "val" ? "validation" : "training"}${last ? ` ${words(last[1])}` : ""}`;
        });
        legend.forEach((one, i) => {
            one.textContent = told[i];
        });
        earlierKey.hidden = !before;
        drawing.setAttribute(
            "aria-label",
            `${title} over ${most} epoch${most === 1 ? "" : "s"}: ${told.join(", ")}`,
        );
    };
    return { node, draw };
};
