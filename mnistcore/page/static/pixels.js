// A digit whose pixels can be drawn and erased one by one.
import { paintInk } from "./colours.js";
import { foldButton } from "./fold.js";
import { placeMark } from "./marks.js";
import { pixelAt, SHIFTS } from "./places.js";
import { h } from "./shared.js";

// The digit, whose pixels can be drawn and erased. Calls `edit` with all of its numbers.
export const createPixels = (side, edit) => {
    const canvas = h("canvas", {
        class: "pixels",
        width: side,
        height: side,
        tabindex: 0,
        role: "application",
        "aria-label":
            "The digit, as it is changed. Arrows move from pixel to pixel, Space draws or erases one.",
    });
    const mark = h("span", { class: "map-mark", hidden: true });
    const live = h("p", { class: "unseen", role: "status" });
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
        paintInk(canvas, ink);
        edit(ink);
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
        showMark();
    };
    const showMark = () => {
        placeMark(mark, [at.row, at.column, at.row + 1, at.column + 1], [side, side]);
        const place = `row ${at.row + 1}, column ${at.column + 1}`;
        live.textContent = ink
            ? `${place}: ${Math.round(100 * ink[side * at.row + at.column])} % ink`
            : place;
    };
    canvas.onfocus = () => {
        if (canvas.matches(":focus-visible")) showMark();
    };
    canvas.onblur = () => {
        mark.hidden = true;
    };
    return {
        node: h(
            "div",
            { class: "change-pixels" },
            h("div", { class: "change-picture" }, canvas, mark, live),
            h("div", { class: "change-tools" }, ...tools),
        ),
        show: (numbers) => {
            ink = numbers;
            paintInk(canvas, ink);
        },
    };
};
