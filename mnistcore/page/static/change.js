// What would change the answer: the digit is turned, thickened or moved, or single pixels are drawn,
// while the answer, the maps and the reasons follow.
import { scaleOf, whenRestyled } from "./colours.js";
import { BUSY } from "./explanation.js";
import { createFold, foldButton } from "./fold.js";
import { article, number, percent, unpack } from "./format.js";
import { pixelAt } from "./places.js";
import { createQuestion } from "./question.js";
import { createWhenSeen } from "./seen.js";
import { h, hear, say } from "./shared.js";

const NOTHING = "The digit can be changed as soon as there is one.";
const STEPS = 80; // of a slider
const [WIDTH, HEIGHT] = [160, 28]; // of a curve, in its own units
const SVG = "http://www.w3.org/2000/svg";
const LIKELIEST = 3; // digits of the answer that are named
const UNITS = { degrees: "°", times: "×" }; // short forms; other amounts are told without a unit
const SHIFTS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

// Numbers as the server reads them: base64 of float32, little-endian.
export const pack = (numbers) => {
    const bytes = new Uint8Array(new Float32Array(numbers).buffer);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
};

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

// Calls `ask` with the newest question, one at a time, and `use` with each answer.
export const createStream = (ask, use) => {
    let busy = false;
    let waiting = null;
    const run = async (what) => {
        busy = true;
        const answer = await ask(what);
        busy = false;
        const next = waiting;
        waiting = null;
        if (next) run(next);
        use(answer, what);
    };
    return (what) => {
        if (busy) waiting = what;
        else run(what);
    };
};

const createCurve = () => {
    const make = (tag, attributes) => {
        const node = document.createElementNS(SVG, tag);
        for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
        return node;
    };
    const path = make("path", { class: "change-curve" });
    const now = make("line", { class: "change-now", y1: 0, y2: HEIGHT });
    const node = make("svg", {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
    });
    node.append(path, now);
    return {
        node,
        draw: (probs) => {
            const points = probs.map(
                (p, i) => `${(WIDTH * i) / (probs.length - 1)},${HEIGHT - 1 - (HEIGHT - 2) * p}`,
            );
            path.setAttribute("d", `M${points.join("L")}`);
        },
        move: (share) => {
            now.setAttribute("x1", WIDTH * share);
            now.setAttribute("x2", WIDTH * share);
        },
    };
};

const createSlider = (name, { low, high, neutral, unit }, moved, released) => {
    const curve = createCurve();
    const words = h("span", { class: "change-words" });
    const input = h("input", {
        type: "range",
        min: low,
        max: high,
        step: (high - low) / STEPS,
        "aria-label": `${name}, ${unit}`,
        oninput: () => {
            curve.move((input.value - low) / (high - low));
            moved();
        },
        onchange: released,
    });
    const set = (value) => {
        input.value = value;
        curve.move((value - low) / (high - low));
    };
    set(neutral);
    return {
        name,
        node: h(
            "div",
            { class: "change-row" },
            h("span", {}, name),
            h("span", { class: "change-slide" }, curve.node, input),
            words,
        ),
        amount: () => Number(input.value),
        reset: () => set(neutral),
        draw: (flat) => {
            const rows = rowsOf(flat);
            const flips = flipsOf(rows, { low, high, neutral });
            curve.draw(rows.map((row) => row[flips.digit]));
            words.textContent = flipWords(flips, { low, high, unit });
        },
    };
};

// The digit, whose pixels can be drawn and erased. Calls `edit` with all of its numbers.
const createPixels = (side, edit) => {
    const canvas = h("canvas", {
        class: "pixels",
        width: side,
        height: side,
        tabindex: 0,
        role: "img",
        "aria-label":
            "The digit, as it is changed. Arrows move from pixel to pixel, Space draws or erases one.",
    });
    const mark = h("span", { class: "map-mark", hidden: true });
    const tools = ["Pen", "Eraser"].map((label, i) => foldButton(label, () => use(1 - i)));
    let ink = null; // Float32Array of all pixels
    let value = 1; // of the pixels that are drawn
    let at = { row: side >> 1, column: side >> 1 };
    const use = (now) => {
        value = now;
        tools.forEach((tool, i) => {
            tool.setAttribute("aria-pressed", String(value === 1 - i));
        });
    };
    use(1);
    const put = ({ row, column }) => {
        if (!ink || ink[side * row + column] === value) return;
        ink = Float32Array.from(ink);
        ink[side * row + column] = value;
        paint();
        edit(ink);
    };
    const paint = () => {
        const context = canvas.getContext("2d");
        const pixels = context.createImageData(side, side);
        ink.forEach((x, i) => {
            pixels.data.set([255 * x, 255 * x, 255 * x, 255], 4 * i);
        });
        context.putImageData(pixels, 0, 0);
    };
    const under = (event) => pixelAt(event, canvas.getBoundingClientRect(), [side, side]);
    canvas.onpointerdown = (event) => {
        canvas.setPointerCapture(event.pointerId);
        put(under(event));
    };
    canvas.onpointermove = (event) => {
        if (event.buttons) put(under(event));
    };
    canvas.onkeydown = (event) => {
        const shift = SHIFTS[event.key];
        if (!shift && event.key !== " ") return;
        event.preventDefault();
        if (shift) {
            const clamp = (x) => Math.max(0, Math.min(side - 1, x));
            at = { row: clamp(at.row + shift[0]), column: clamp(at.column + shift[1]) };
        } else put(at);
        mark.hidden = false;
        mark.style.top = `${(100 * at.row) / side}%`;
        mark.style.left = `${(100 * at.column) / side}%`;
        mark.style.width = mark.style.height = `${100 / side}%`;
    };
    canvas.onblur = () => {
        mark.hidden = true;
    };
    return {
        node: h(
            "div",
            { class: "change-pixels" },
            h("div", { class: "change-picture" }, canvas, mark),
            h("div", { class: "change-tools" }, ...tools),
        ),
        show: (numbers) => {
            ink = numbers;
            paint();
        },
    };
};

export default ({ element, props, server }) => {
    const { side, changes } = props;
    let base = null; // packed, the digit before the sliders
    let net = "";
    let shown = null; // packed, what is shown and read
    let original = null; // packed, what was drawn or uploaded
    const note = h("p", { class: "nothing" });
    const answer = h("p", { class: "change-answer", "aria-live": "polite" });
    const flipped = h("p", { class: "change-flipped", "aria-live": "polite" });
    const difference = h("canvas", {
        class: "pixels",
        width: side,
        height: side,
        role: "img",
        "aria-label": "The pixels that were changed",
        hidden: true,
    });
    const pixels = createPixels(side, (ink) => rebase(pack(ink)));
    const sliders = Object.entries(changes).map(([name, one]) =>
        createSlider(
            name,
            one,
            () => ask(),
            () => askCurves(),
        ),
    );
    const work = h(
        "div",
        { class: "change-work" },
        h("div", {}, pixels.node, answer),
        h("div", { class: "change-sliders" }, ...sliders.map((slider) => slider.node)),
        h(
            "div",
            { class: "change-fool" },
            foldButton("Find the smallest change of ink that gives another answer", () => flip()),
            foldButton("Undo all changes", () => rebase(original)),
            flipped,
            difference,
        ),
    );
    const { node, body } = createFold(
        "change",
        "What would change the answer",
        "What would change the answer?",
        h(
            "p",
            {},
            "Move a slider: the answer, the maps and the reasons follow. The curve behind a slider is the probability " +
                "of the first answer over its whole range; beside it stands where the answer flips. Pixels can be " +
                "drawn and erased one by one.",
        ),
        work,
        note,
    );
    element.append(node);
    const whenSeen = createWhenSeen(body);
    const curvesQuestion = createQuestion((what) => server.curves(what));
    const flipQuestion = createQuestion((what) => server.flip(what));

    const amounts = () =>
        Object.fromEntries(sliders.map((slider) => [slider.name, slider.amount()]));
    const stop = (words) => {
        note.textContent = words;
        work.hidden = true;
    };
    const send = createStream(
        (what) => server.change(what),
        (found, what) => {
            if (what.image !== base) return; // another digit has been drawn
            if (!found) {
                note.textContent = BUSY;
                return;
            }
            note.textContent = "";
            const follows = shown !== found.image;
            shown = found.image;
            pixels.show(unpack(found.image));
            const order = found.probs.map((p, digit) => [p, digit]).sort(([a], [b]) => b - a);
            answer.textContent = order
                .slice(0, LIKELIEST)
                .map(([p, digit]) => `${digit}: ${percent(p)}`)
                .join(", ");
            work.hidden = false;
            if (follows) say("look-at", shown);
        },
    );
    const ask = () => send({ image: base, net, amounts: amounts() });
    const askCurves = () =>
        curvesQuestion.ask({ image: base, net, amounts: amounts() }, (found) => {
            for (const slider of sliders) if (found) slider.draw(unpack(found[slider.name]));
        });
    const clearFlip = () => {
        flipQuestion.forget();
        flipped.textContent = "";
        difference.hidden = true;
    };
    const rebase = (image) => {
        base = image;
        clearFlip();
        for (const slider of sliders) slider.reset();
        ask();
        askCurves();
    };
    const flip = () => {
        const from = shown;
        flipQuestion.ask({ image: from, net }, (found) => {
            if (!found?.image) {
                flipped.textContent = found ? "No small change of ink was found." : BUSY;
                return;
            }
            rebase(found.image);
            flipped.textContent =
                `${net} now says ${found.after} instead of ${found.before}. On average, the ink of a pixel changed by ` +
                `${percent(found.mean)}, and nowhere by more than ${percent(found.largest)}; the picture shows where. ` +
                "We hardly see it, but a net adds up all pixels at once, and many small changes that all push the " +
                "same way add up to much.";
            const [before, after] = [from, found.image].map(unpack);
            difference.hidden = false;
            scaleOf(element).paint(
                difference,
                after.map((x, i) => x - before[i]),
                0,
                found.largest,
            );
        });
    };
    stop(NOTHING);
    hear(element, "looked-at", (data) => {
        if (!data.rows) {
            base = original = shown = null;
            stop(data.busy ? BUSY : NOTHING);
            return;
        }
        const now = data.stage.split(" ")[0];
        if (now === net && data.digit === shown) return; // what was asked for here
        const sameDigit = data.digit === shown;
        net = now;
        whenSeen(() => {
            if (sameDigit) {
                ask();
                askCurves();
                return;
            }
            original = shown = data.digit;
            rebase(original);
        });
    });
    whenRestyled(() => {
        if (base) askCurves();
    });
};
