// The drawing canvas with its tools.
import { Drawing, loaded } from "./drawing.js";
import { listen } from "./input.js";
import { createSender } from "./sending.js";
import { h, hear } from "./shared.js";
import { createLink } from "./sharing.js";
import { createToolbar } from "./toolbar.js";

const KEYS =
    "Keyboard: arrows move the pen, Space lowers and lifts it, Ctrl+Z undoes, Delete clears.";
// A 3, in units of the drawing.
const THREE = [
    [160, 65],
    [185, 45],
    [220, 45],
    [245, 70],
    [240, 105],
    [205, 130],
    [190, 132],
    [215, 136],
    [250, 160],
    [256, 195],
    [230, 228],
    [190, 236],
    [155, 220],
];

export default (component) => {
    const { element, props, watch } = component;
    const drawing = new Drawing();
    const { canvas } = drawing;
    let erases = false; // the pen

    const refresh = () => {
        placeholder.hidden = !drawing.isEmpty;
        toolbar.update(drawing, erases);
    };
    const changed = () => {
        refresh();
        sender.send();
        link.follow();
    };
    const pen = {
        isDown: () => drawing.penIsDown,
        begin: (point) => {
            drawing.begin(point, toolbar.width(), erases);
            refresh();
            sender.sendSoon();
        },
        extend: (point) => {
            if (drawing.extend(point)) sender.sendSoon();
        },
        end: () => {
            drawing.end();
            changed();
        },
    };
    const acts = createActs(drawing, pen, changed);
    acts.choose = (eraser) => {
        erases = eraser;
        refresh();
    };
    acts.share = () => {
        acts.finishStroke();
        link.share();
    };

    const sender = createSender(component, drawing);
    const link = createLink(component, drawing, sender, refresh);
    const toolbar = createToolbar(acts, props.pen);
    const placeholder = h("span", { class: "pad-hint", "aria-hidden": "true" }, props.hint);
    element.append(
        h(
            "div",
            { class: "pad" },
            h("div", { class: "pad-surface" }, canvas, placeholder, listen(canvas, pen)),
            toolbar.node,
            link.note,
            h("p", { class: "pad-keys", id: "pad-keys" }, KEYS),
        ),
    );
    listenToShortcuts(element, canvas, link.note, acts);
    refresh();

    // The tour needs something to follow; a drawing that is there stays.
    hear(element, "example", () => {
        if (drawing.isEmpty && canvas.offsetParent) acts.add({ points: THREE, width: props.pen });
    });
    // Opens the canvas, if the other tab is open, and shows what is on it.
    const open = () => {
        sender.send("submit");
        new ResizeObserver((_, observer) => {
            if (!canvas.offsetParent) return; // not open yet
            observer.disconnect();
            showCanvas(canvas);
        }).observe(canvas);
    };
    // Another section puts a picture on the canvas, or wants it empty.
    hear(element, "put", async (picture) => {
        acts.add(await loaded({ picture }));
        open();
    });
    hear(element, "clear", () => {
        acts.clear();
        open();
    });
    const take = () => takePicture(props.value, sender, acts, canvas);
    watch("value", take);
    take();
    link.begin().then(() => {
        canvas.dataset.ready = "1";
    });
};

// A picture that Python puts on the canvas is an operation like any other.
const takePicture = async (value, sender, acts, canvas) => {
    if (!value || sender.isOwn(value)) return;
    acts.add(await loaded({ picture: value.slice(value.indexOf(" ") + 1) }));
    showCanvas(canvas);
};

const showCanvas = (canvas) => {
    canvas.focus({ preventScroll: true });
    canvas.scrollIntoView({ block: "center" });
};

// What the tools and the keys do to the drawing; a stroke that is being drawn ends first.
const createActs = (drawing, pen, changed) => {
    const acts = {
        finishStroke: () => {
            if (drawing.penIsDown) pen.end();
        },
        add: (operation) => {
            acts.finishStroke();
            drawing.add(operation);
            changed();
        },
        clear: () => {
            acts.finishStroke();
            acts.choose(false); // an eraser would draw black on black
            if (!drawing.isEmpty) acts.add({ clear: true });
            drawing.canvas.focus({ preventScroll: true }); // the button, which is disabled now, loses it
        },
        undo: () => {
            acts.finishStroke();
            if (!drawing.canUndo) return;
            drawing.undo();
            changed();
        },
        redo: () => {
            acts.finishStroke();
            if (!drawing.canRedo) return;
            drawing.redo();
            changed();
        },
    };
    return acts;
};

// Undo, redo and clear work wherever nothing else has the keys, and after a correction; E and P only
// on the component.
const listenToShortcuts = (element, canvas, note, acts) =>
    document.addEventListener("keydown", (event) => {
        const here = element.contains(event.target) && !note.contains(event.target);
        const free = event.target === document.body || event.target.closest(".correct");
        if (!canvas.offsetParent || !(here || free)) return;
        const key = event.key.toLowerCase();
        const command = event.ctrlKey || event.metaKey;
        if (command && key === "z" && event.shiftKey) acts.redo();
        else if (command && key === "z") acts.undo();
        else if (command && key === "y") acts.redo();
        else if (command || event.altKey) return;
        else if (key === "delete" || key === "backspace") acts.clear();
        else if (here && (key === "e" || key === "p")) acts.choose(key === "e");
        else return;
        event.preventDefault();
    });
