// Picks the pixels of maps with a pointer or the keyboard.
import { KERNELS } from "./grid.js";
import { moved } from "./places.js";
import { enlargesFirst } from "./zoom.js";

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

// Calls `pick` for a pixel, or `enlarge` for a map that must be enlarged first.
export const listenForPicks = (root, grid, zoom, picked, { pick, enlarge }) => {
    // Kernels are not computed, and without a digit nothing is.
    const canPick = (place) => place.name !== KERNELS && grid.valueAt(place) !== undefined;

    // A click has only whole pixels of the window: not always the pixel that was pressed.
    let pressed = null;
    root.addEventListener("pointerdown", (event) => {
        const byTouch = event.pointerType === "touch";
        pressed = { target: event.target, place: grid.placeAt(event), byTouch };
    });
    root.addEventListener("click", (event) => {
        const before = pressed?.target === event.target ? pressed : null;
        pressed = null;
        const place = before?.place ?? grid.placeAt(event);
        if (!place) return;
        if (!zoom.shown()) grid.focus(place, { preventScroll: true });
        if (!canPick(place)) return;
        if (!zoom.shown() && enlargesFirst(before?.byTouch)) enlarge(place);
        else pick(place);
    });
    // From the pixel that was picked last, or from the middle of a map.
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
        if (!canPick(place)) return;
        if (zoom.shown() || enlargesFirst()) zoom.show(place);
        else grid.focus(place);
        pick(place);
    });
};
