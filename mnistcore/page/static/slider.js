// A slider of one change to a digit, with the probability of the answer over its whole range, and the
// words that say where the answer flips.
import { article, number } from "./format.js";
import { h, svg } from "./shared.js";

const STEPS = 80; // of a slider
const [WIDTH, HEIGHT] = [160, 28]; // of a curve, in its own units
const UNITS = { degrees: "°", times: "×" }; // short forms; other amounts are told without a unit

const best = (probs) => probs.indexOf(Math.max(...probs));

// The ten probabilities at each position of a slider.
export const rowsOf = (flat) =>
    Array.from({ length: flat.length / 10 }, (_, i) => [...flat.subarray(10 * i, 10 * (i + 1))]);

// Where the answer flips, from the neutral position outwards: {digit, below, above}, each of the two
// {amount, digit}, or null.
export const flipsOf = (rows, { low, high, neutral }) => {
    const amountAt = (i) => low + ((high - low) * i) / (rows.length - 1);
    const middle = Math.round(((neutral - low) / (high - low)) * (rows.length - 1));
    const digit = best(rows[middle]);
    const search = (step) => {
        for (let i = middle; rows[i]; i += step)
            if (best(rows[i]) !== digit)
                return { amount: amountAt(i - step), digit: best(rows[i]) };
        return null;
    };
    return { digit, below: search(-1), above: search(1) };
};

export const flipWords = ({ digit, below, above }, { low, high, unit }) => {
    const digits = high - low <= 3 ? 2 : high - low <= 20 ? 1 : 0;
    const amount = (x) => number(x, digits) + (UNITS[unit] ?? "");
    const a = `${article(digit)} ${digit}`;
    const then = (flip) => `then ${article(flip.digit)} ${flip.digit}`;
    if (!below && !above) return `${a} all the way`;
    if (!below) return `${a} up to ${amount(above.amount)}, ${then(above)}`;
    if (!above) return `${a} down to ${amount(below.amount)}, ${then(below)}`;
    return `${a} from ${amount(below.amount)} (below: ${below.digit}) to ${amount(above.amount)} (above: ${above.digit})`;
};

const createCurve = () => {
    const path = svg("path", { class: "change-curve" });
    const now = svg("line", { class: "change-now", y1: 0, y2: HEIGHT });
    const node = svg(
        "svg",
        {
            viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
            preserveAspectRatio: "none",
            "aria-hidden": "true",
        },
        path,
        now,
    );
    return {
        node,
        draw: (probs) => {
            const points = probs.map(
                (p, i) => `${(WIDTH * i) / (probs.length - 1)},${HEIGHT - 1 - (HEIGHT - 2) * p}`,
            );
            path.setAttribute("d", points.length ? `M${points.join("L")}` : "");
        },
        move: (share) => {
            now.setAttribute("x1", WIDTH * share);
            now.setAttribute("x2", WIDTH * share);
        },
    };
};

export const createSlider = (name, { low, high, neutral, unit }, moved, released) => {
    const curve = createCurve();
    const words = h("span", { class: "change-words", id: `change-words-${name}` });
    const value = h("output", {});
    const digits = high - low <= 3 ? 2 : high - low <= 20 ? 1 : 0;
    const input = h("input", {
        type: "range",
        min: low,
        max: high,
        step: (high - low) / STEPS,
        "aria-label": name,
        "aria-describedby": words.id,
        oninput: () => {
            tell();
            moved();
        },
        onchange: released,
    });
    const tell = () => {
        curve.move((input.value - low) / (high - low));
        value.textContent = number(Number(input.value), digits) + (UNITS[unit] ?? "");
        input.setAttribute("aria-valuetext", `${Number(input.value).toFixed(digits)} ${unit}`);
    };
    const set = (amount) => {
        input.value = amount;
        tell();
    };
    set(neutral);
    return {
        name,
        node: h(
            "div",
            { class: "change-row" },
            h("span", { class: "change-name" }, name, value),
            h("span", { class: "change-slide" }, curve.node, input),
            words,
        ),
        amount: () => Number(input.value),
        reset: () => set(neutral),
        // Before the probabilities of another digit are known.
        clear: () => {
            curve.draw([]);
            words.textContent = "";
        },
        draw: (flat) => {
            const rows = rowsOf(flat);
            const flips = flipsOf(rows, { low, high, neutral });
            curve.draw(rows.map((row) => row[flips.digit]));
            words.textContent = flipWords(flips, { low, high, unit });
        },
    };
};
