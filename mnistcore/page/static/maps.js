// The maps of one stage of a net, every number in its colour, and the arithmetic behind each.
import { arithmetic, moved, pixelIn, placeName } from "./arithmetic.js";
import { roundUp, scaleOf } from "./colours.js";
import { capital, number, unpack } from "./format.js";
import { createGrid, KERNELS } from "./grid.js";
import { h, hear, show } from "./shared.js";
import { createSide } from "./side.js";
import { createTip } from "./tip.js";

const BUSY = "The server was too busy to answer. Please choose again.";
const CLICK =
    "Click a pixel of a map to see the arithmetic behind it. " +
    "On the keyboard, arrows go from pixel to pixel, Page Up and Page Down from map to map.";
// Channels, rows and columns that a key moves.
const MOVES = {
    ArrowLeft: [0, 0, -1],
    ArrowRight: [0, 0, 1],
    ArrowUp: [0, -1, 0],
    ArrowDown: [0, 1, 0],
    PageUp: [-1, 0, 0],
    PageDown: [1, 0, 0],
    Enter: [0, 0, 0],
};
const [RIGHT, BELOW] = [14, 18]; // pixels from the pointer to its tip
const RESTYLED = 100; // milliseconds after which Gradio has changed between light and dark

// Asks the server, and hands on its answer (undefined if that failed) unless a newer question has
// been asked since.
const createQuestion = (ask) => {
    let latest = 0;
    return {
        ask: async (question, use) => {
            const mine = ++latest;
            const answer = await ask(question);
            if (mine === latest) use(answer);
        },
        forget: () => {
            latest += 1;
        },
    };
};

// A digit's maps as the server sent them -> with numbers for packed letters, and round limits.
const parse = (data) => {
    if (!data.rows) return data;
    const [limit, kernelLimit] = [roundUp(data.limit), roundUp(data.kernel_limit)];
    const rows = data.rows.map((row) => ({ ...row, numbers: unpack(row.numbers), limit }));
    if (data.kernels)
        rows.unshift({
            name: KERNELS,
            shape: [data.rows[0].shape[0], data.kernel, data.kernel],
            numbers: unpack(data.kernels),
            limit: kernelLimit,
            dead: [],
            note: `${data.kernel}×${data.kernel}, on a scale of ±${kernelLimit}`,
        });
    const [ink, input] = [unpack(data.digit), unpack(data.input)];
    return { ...data, rows, ink, input, limit, kernelLimit };
};

// The arithmetic of the pixel that was picked, and its marks on the input and the maps.
const createExplanation = (server, panel, side, grid) => {
    const question = createQuestion((asked) => server.explain(asked));
    let picked = null; // {name, channel, row, column}

    const note = (words, attributes = {}) =>
        panel.replaceChildren(h("p", { class: "nothing", ...attributes }, words));
    const isThere = ({ name, channel, row, column }) => {
        const shape = grid.shapeOf(name);
        return shape && [channel, row, column].every((at, i) => at < shape[i]);
    };
    return {
        picked: () => picked,
        canStay: () => picked !== null && isThere(picked),
        forget: (words) => {
            question.forget();
            picked = null;
            side.hideMark();
            grid.hideMarks();
            note(words);
        },
        // Of the place picked last by default; calls `done` when it is shown.
        show: (data, scale, place = picked, done = () => {}) => {
            picked = place;
            question.ask({ digit: data.digit, stage: data.stage, ...place }, (found) => {
                if (!found) {
                    note(BUSY, { role: "alert" });
                    return;
                }
                panel.replaceChildren(...arithmetic(found, place, data, scale));
                side.mark(found.field);
                grid.mark(found.channel, (name) => pixelIn(name, found));
                done();
            });
        },
    };
};

export default (component) => {
    const { element, props, server } = component;
    const live = h("p", { class: "unseen", role: "status" });
    const panel = h("div", { class: "arithmetic" });
    const tip = createTip(element);
    const side = createSide(props, tip, live);
    const grid = createGrid();
    const explanation = createExplanation(server, panel, side, grid);
    const maps = createQuestion((question) => server.look(question));
    const parts = [side.node, grid.node, panel, live];
    const root = h("section", { class: "maps", "aria-label": "Maps" }, ...parts);
    element.append(root, tip.node);

    let given = {}; // the component's newest value
    let data = {}; // what is shown of it, parsed
    let scale = null;
    let chosen = 0; // the digit that is looked at

    const draw = () => {
        tip.hide();
        if (!data.rows) {
            side.blank();
            grid.blank();
            explanation.forget(data.busy ? BUSY : "");
            return;
        }
        scale = scaleOf(root);
        side.draw(data, scale);
        grid.draw(data.rows, scale);
        if (explanation.canStay()) explanation.show(data, scale);
        else explanation.forget(CLICK);
    };
    const take = (now) => {
        data = parse(now);
        draw();
    };
    const look = (i) => {
        const now = given;
        if (!now.digits?.[i]) return;
        chosen = i;
        maps.ask({ digit: now.digits[i], stage: now.stage }, (found) =>
            take(found ? { ...now, ...found } : { busy: true }),
        );
    };
    show(component, (now) => {
        given = now;
        if (chosen && now.digits?.[chosen]) {
            look(chosen);
            return;
        }
        maps.forget();
        chosen = 0;
        take(now);
    });
    hear(element, "digit", look);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
        setTimeout(draw, RESTYLED),
    );
    showTips(root, tip, (event) => side.describe(event, data) ?? describeMap(event, grid), side);
    listen(root, grid, explanation.picked, (place) => {
        if (!data.rows || place.name === KERNELS) return;
        explanation.show(data, scale, place, () => {
            live.textContent = `${capital(placeName(place))}: ${number(grid.valueAt(place), 4)}`;
        });
    });
};

// The number of the maps under a pointer and the words for its place; null where there is none.
const describeMap = (event, grid) => {
    const place = grid.placeAt(event);
    const value = place && grid.valueAt(place);
    if (value == null) return null;
    return { value, words: placeName(place, place.name === KERNELS ? "kernel" : "map") };
};

const showTips = (root, tip, describe, side) => {
    root.addEventListener("pointermove", (event) => {
        if (side.isHelp(event.target)) return;
        const found = describe(event);
        tip.hide();
        if (!found) return;
        const nodes = [h("b", {}, number(found.value, 4)), h("span", {}, found.words)];
        tip.show(event.clientX + RIGHT, event.clientY + BELOW, ...nodes);
    });
    root.addEventListener("pointerleave", tip.hide);
};

// Pixels are picked with the pointer, or with the keys from the one picked last.
const listen = (root, grid, picked, pick) => {
    // A click tells whole pixels of the window only: not always the pixel that was pressed.
    let pressed = null;
    root.addEventListener("pointerdown", (event) => {
        pressed = { target: event.target, place: grid.placeAt(event) };
    });
    root.addEventListener("click", (event) => {
        const place = pressed?.target === event.target ? pressed.place : grid.placeAt(event);
        if (!place) return;
        grid.focus(place, { preventScroll: true });
        pick(place);
    });
    root.addEventListener("keydown", (event) => {
        const step = MOVES[event.key];
        const target = event.target.closest?.("canvas[data-key]");
        if (!step || !target || target.dataset.key === KERNELS) return;
        event.preventDefault();
        const { key: name, channel } = target.dataset;
        const last = picked();
        const start =
            last?.name === name && last.channel === Number(channel)
                ? last
                : { channel: Number(channel), row: target.height >> 1, column: target.width >> 1 };
        const place = { name, ...moved(start, step, grid.shapeOf(name)) };
        grid.focus(place);
        pick(place);
    });
};
