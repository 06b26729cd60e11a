// The ways to draw: mouse, finger or pen, and the keyboard. `pen` has begin(point), extend(point),
// end() and isDown; points are in units of the drawing.
import { GRID, HEIGHT, WIDTH } from "./drawing.js";
import { h } from "./shared.js";

const [STEP, LONG_STEP] = [7, 14]; // units that an arrow key moves the pen, without and with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const clamp = (x, most) => Math.min(most, Math.max(0, x));

// The point of the drawing under a pointer; `box` is where the canvas is in the window.
export const pointAt = ({ clientX, clientY }, box) =>
    [((clientX - box.left) / box.width) * WIDTH, ((clientY - box.top) / box.height) * HEIGHT].map(
        (side) => GRID * Math.round(side / GRID),
    );

// Where the arrow keys that are held move the pen: two together move it diagonally.
export const moved = ([x, y], arrows, step) => [
    clamp(
        arrows.reduce((sum, key) => sum + step * ARROWS[key][0], x),
        WIDTH,
    ),
    clamp(
        arrows.reduce((sum, key) => sum + step * ARROWS[key][1], y),
        HEIGHT,
    ),
];

// Lets the canvas be drawn on; gives the mark of the keyboard's pen.
export const listen = (canvas, pen) => {
    const cursor = h("span", { class: "pad-cursor", "aria-hidden": "true", hidden: true });
    let pointer = null; // id of the pointer that draws: a second finger does not
    const held = new Set(); // arrow keys
    let spot = [WIDTH / 2, HEIGHT / 5]; // of the keyboard's pen

    canvas.addEventListener("pointerdown", (event) => {
        if (pointer !== null || event.button > 0) return;
        if (pen.isDown()) pen.end(); // begun with the keyboard
        pointer = event.pointerId;
        canvas.setPointerCapture(pointer);
        cursor.hidden = true;
        pen.begin(pointAt(event, canvas.getBoundingClientRect()));
    });
    // Otherwise a quick stroke may scroll the page, and the tap that stops the scroll is not a click.
    canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    canvas.addEventListener("pointermove", (event) => {
        if (event.pointerId !== pointer || !pen.isDown()) return; // undone or cleared meanwhile
        const moves = event.getCoalescedEvents?.() ?? [];
        const box = canvas.getBoundingClientRect();
        for (const move of moves.length ? moves : [event]) pen.extend(pointAt(move, box));
    });
    const lift = (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        if (pen.isDown()) pen.end();
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);

    const showCursor = () => {
        cursor.hidden = false;
        cursor.classList.toggle("down", pen.isDown());
        cursor.style.left = `${(100 * spot[0]) / WIDTH}%`;
        cursor.style.top = `${(100 * spot[1]) / HEIGHT}%`;
    };
    canvas.addEventListener("keydown", (event) => {
        if (pointer !== null) return;
        if (event.key in ARROWS) {
            held.add(event.key);
            spot = moved(spot, [...held], event.shiftKey ? LONG_STEP : STEP);
            if (pen.isDown()) pen.extend(spot);
        } else if (event.key === " ") {
            if (!event.repeat && pen.isDown()) pen.end();
            else if (!event.repeat) pen.begin(spot);
        } else return;
        showCursor();
        event.preventDefault();
    });
    canvas.addEventListener("keyup", (event) => held.delete(event.key));
    canvas.addEventListener("blur", () => {
        held.clear();
        if (pen.isDown() && pointer === null) pen.end();
        cursor.hidden = true;
    });
    return cursor;
};
