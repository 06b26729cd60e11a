// The buttons below the canvas.
import { THICKEST, THINNEST } from "./drawing.js";
import { h } from "./shared.js";

const button = (name, title, symbol, act) =>
    h(
        "button",
        {
            type: "button",
            title,
            "aria-label": name,
            "data-tool": name.toLowerCase(),
            onclick: act,
        },
        h("span", { "aria-hidden": "true" }, symbol),
        h("span", { class: "pad-label" }, name),
    );
const group = (...buttons) => h("span", { class: "pad-group" }, ...buttons);

// `acts` has choose(eraser), undo(), redo(), clear() and share(); `thickness` is the pen's at first.
export const createToolbar = (acts, thickness) => {
    const pen = button("Pen", "Draw (P)", "✎", () => acts.choose(false));
    const eraser = button("Eraser", "Erase (E)", "⌫", () => acts.choose(true));
    const undo = button("Undo", "Undo (Ctrl+Z)", "↶", acts.undo);
    const redo = button("Redo", "Redo (Ctrl+Y)", "↷", acts.redo);
    const clear = button("Clear", "Clear (Delete)", "✕", acts.clear);
    const link = button("Link", "Copy a link to this drawing", "↗", acts.share);
    const width = h("input", {
        type: "range",
        min: THINNEST,
        max: THICKEST,
        value: thickness,
        "aria-label": "Pen width",
    });
    return {
        node: h(
            "div",
            { class: "pad-tools", role: "toolbar", "aria-label": "Drawing tools" },
            group(pen, eraser),
            group(undo, redo, clear, link),
            h("label", { class: "pad-width" }, h("span", {}, "Width"), width),
        ),
        width: () => Number(width.value),
        update: (drawing, erases) => {
            undo.disabled = !drawing.canUndo;
            redo.disabled = !drawing.canRedo;
            clear.disabled = drawing.isEmpty;
            pen.setAttribute("aria-pressed", String(!erases));
            eraser.setAttribute("aria-pressed", String(erases));
        },
    };
};
