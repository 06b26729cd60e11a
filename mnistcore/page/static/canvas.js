// The drawing canvas: white on black, kept as a list of operations so that undo is a replay.
// Sends "<number> <data URL>", or "<number> " when empty, at most every 100 ms while the pen moves,
// and less often to a server that is slow to answer.
const [WIDTH, HEIGHT, TICK] = [420, 280, 100]; // units of the drawing; milliseconds
const [SHARP, SENT] = [2, 0.5]; // pixels a unit: as shown, as sent (a digit becomes 20 pixels anyway)
const GRAYS = 16; // in what is sent: a net sees no difference, and it takes a third fewer bytes
const [THINNEST, THICKEST] = [8, 40]; // units of the pen
const MOST_RETRIES = 3;
const { hint, pen, nets, stages } = props;

const canvas = h("canvas", {
    width: WIDTH * SHARP, height: HEIGHT * SHARP, tabindex: 0, role: "application",
    "aria-label": "Drawing canvas", "aria-describedby": "pad-keys",
});
const cursor = h("span", { class: "pad-cursor", "aria-hidden": "true" });
const placeholder = h("span", { class: "pad-hint", "aria-hidden": "true" }, hint);
const button = (name, title, act, symbol) => h(
    "button", { type: "button", title, "aria-label": name, onclick: act, "data-tool": name.toLowerCase() },
    h("span", { "aria-hidden": "true" }, symbol), h("span", { class: "pad-label" }, name),
);
const penButton = button("Pen", "Draw (P)", () => choose(false), "✎");
const eraserButton = button("Eraser", "Erase (E)", () => choose(true), "⌫");
const undoButton = button("Undo", "Undo (Ctrl Z)", () => undo(), "↶");
const redoButton = button("Redo", "Redo (Ctrl Y)", () => redo(), "↷");
const clearButton = button("Clear", "Clear (Delete)", () => clear(), "✕");
const linkButton = button("Link", "Copy a link to this drawing", () => share(), "↗");
const width = h("input", { type: "range", min: THINNEST, max: THICKEST, value: pen, "aria-label": "Pen width" });
const linkField = h("input", { readonly: true, "aria-label": "Link to this drawing" });
const told = h("span", { role: "status" });
const surface = h("div", { class: "pad-surface" }, canvas, placeholder, cursor);
element.append(h(
    "div", { class: "pad" }, surface,
    h("div", { class: "pad-tools", role: "toolbar", "aria-label": "Drawing tools" },
        h("span", { class: "pad-group" }, penButton, eraserButton),
        h("span", { class: "pad-group" }, undoButton, redoButton, clearButton, linkButton),
        h("label", { class: "pad-width" }, h("span", {}, "Width"), width)),
    h("p", { class: "pad-note" }, told, linkField),
    h("p", { class: "pad-keys", id: "pad-keys" },
        "Keyboard: arrows move the pen, Space puts it down and lifts it, Ctrl Z undoes, Delete clears."),
));

const small = h("canvas", { width: WIDTH * SENT, height: HEIGHT * SENT });
const layers = [[canvas, SHARP], [small, SENT]].map(([target, scale]) => {
    const context = target.getContext("2d", { willReadFrequently: target === small });
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.lineCap = context.lineJoin = "round";
    return context;
});
let operations = []; // {points, width, erase}, {image} or {clear: true}
let undone = [];
let stroke = null; // the operation that is being drawn
let erase = false;
let sent = 0; // number of the last drawing sent
let lastTime = 0;
let took = 0; // milliseconds to the answer to what was sent last, null while there is none
let failures = 0; // in a row
let pause = 0; // milliseconds before the next picture of a stroke that goes on
let timer = 0; // to the next picture
let retry = 0; // timer to the next try
let own = null; // the value that came from here, not from Python

const isEmpty = () => {
    const last = operations.at(-1);
    return !last || Boolean(last.clear);
};

const middle = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
const ink = ({ width: thick, erase: wipe }, trace) => {
    for (const context of layers) {
        context.strokeStyle = wipe ? "#000" : "#fff";
        context.lineWidth = thick;
        context.beginPath();
        trace(context);
        context.stroke();
    }
};
// The stretch of a stroke that ends at point i: quadratic curves from middle to middle.
const stretch = (line, i) => ink(line, (context) => {
    const [a, b, c] = [i - 2, i - 1, i].map((place) => line.points[Math.max(place, 0)]);
    context.moveTo(...(i < 2 ? a : middle(a, b)));
    if (i === 0) context.lineTo(...c);
    else context.quadraticCurveTo(...b, ...middle(b, c));
});
const finish = (line) => ink(line, (context) => {
    const [b, c] = [line.points.at(-2) ?? line.points.at(-1), line.points.at(-1)];
    context.moveTo(...middle(b, c));
    context.lineTo(...c);
});
const wipe = () => {
    for (const context of layers) {
        context.fillStyle = "#000";
        context.fillRect(0, 0, WIDTH, HEIGHT);
    }
};
const visible = () => {
    const start = operations.findLastIndex((operation) => operation.clear || operation.image);
    return operations.slice(Math.max(start, 0)).filter((operation) => !operation.clear);
};
const replay = () => {
    wipe();
    for (const operation of visible()) {
        if (operation.image) layers.forEach((context) => paint(context, operation.image));
        else {
            operation.points.forEach((_, i) => stretch(operation, i));
            finish(operation);
        }
    }
};
const paint = (context, image) => {
    const scale = Math.min(WIDTH / image.width, HEIGHT / image.height);
    const [w, tall] = [image.width * scale, image.height * scale];
    context.drawImage(image, (WIDTH - w) / 2, (HEIGHT - tall) / 2, w, tall);
};

const refresh = () => {
    placeholder.hidden = !isEmpty() || stroke !== null;
    undoButton.disabled = operations.length === 0;
    redoButton.disabled = undone.length === 0;
    clearButton.disabled = isEmpty();
    penButton.setAttribute("aria-pressed", String(!erase));
    eraserButton.setAttribute("aria-pressed", String(erase));
};

const packed = () => {
    const pixels = layers[1].getImageData(0, 0, small.width, small.height);
    const step = 255 / (GRAYS - 1);
    const grays = pixels.data.map((x) => step * Math.round(x / step));
    layers[1].putImageData(new ImageData(grays, small.width, small.height), 0, 0);
    // At quality 1 without loss, and half the size of PNG; a browser that can't writes PNG.
    const url = small.toDataURL("image/webp", 1);
    layers[1].putImageData(pixels, 0, 0); // what is drawn over it is as in a replay
    return url;
};
const send = (event = "input") => {
    clearTimeout(timer);
    clearTimeout(retry);
    timer = 0;
    lastTime = performance.now();
    took = null;
    failures = 0;
    sent += 1;
    const empty = isEmpty() && !stroke;
    own = `${sent} ${empty ? "" : packed()}`;
    props.value = own;
    canvas.dataset.sent = sent;
    if (empty) say("emptied", sent); // what is on the page goes at once, and nobody need be asked
    if (!empty || event !== "input") trigger(event);
};
const sendSoon = () => {
    if (!timer) timer = setTimeout(() => send(), Math.max(pause, lastTime + TICK - performance.now()));
};
hear("answered", (number) => {
    failures = 0;
    if (number !== sent || took !== null) return; // an older drawing, or the next view of this one
    took = performance.now() - lastTime;
    pause = took > 2 * TICK ? 2 * took : 0;
});
// Refused, as by a full queue: asked again about what is looked at, the drawing or the picture.
hear("failed", () => {
    if (failures === MOST_RETRIES) return;
    failures += 1;
    clearTimeout(retry);
    retry = setTimeout(() => trigger("retry"), 1000 * failures);
});

const begin = (point) => {
    undone = [];
    stroke = { points: [point], width: Number(width.value), erase };
    stretch(stroke, 0);
    refresh();
    sendSoon();
};
const extend = (point) => {
    const [x, y] = stroke.points.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < 1) return;
    stroke.points.push(point);
    stretch(stroke, stroke.points.length - 1);
    sendSoon();
};
const end = () => {
    finish(stroke);
    operations.push(stroke);
    stroke = null;
    refresh();
    send();
    follow();
};
const choose = (eraser) => {
    erase = eraser;
    refresh();
};
const change = (edit) => {
    if (stroke) end();
    edit();
    replay();
    refresh();
    send();
    follow();
};
const undo = () => {
    if (stroke) end();
    if (operations.length) change(() => undone.push(operations.pop()));
};
const redo = () => undone.length && change(() => operations.push(undone.pop()));
const clear = () => {
    if (stroke) end();
    if (!isEmpty()) change(() => {
        undone = [];
        operations.push({ clear: true });
    });
};

// Pointers: mouse, touch and pen. A second finger does not draw.
let pointer = null;
const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
        ((event.clientX - box.left) / box.width) * WIDTH,
        ((event.clientY - box.top) / box.height) * HEIGHT,
    ].map((side) => QUARTER * Math.round(side / QUARTER));
};
canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button > 0) return;
    if (stroke) end(); // one begun with the keyboard
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    cursor.hidden = true;
    begin(place(event));
});
// Else a browser may take a quick stroke for a fling, and the tap that stops it for no click.
canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !stroke) return; // undone or cleared meanwhile
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length ? moves : [event]) extend(place(move));
});
const lift = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    if (stroke) end();
};
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);

// Keyboard: two arrows held together move the pen aslant.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const held = new Set();
let spot = [WIDTH / 2, HEIGHT / 5];
const moveCursor = () => {
    cursor.hidden = false;
    cursor.classList.toggle("down", stroke !== null);
    cursor.style.left = `${(100 * spot[0]) / WIDTH}%`;
    cursor.style.top = `${(100 * spot[1]) / HEIGHT}%`;
};
cursor.hidden = true;
canvas.addEventListener("keydown", (event) => {
    if (event.key in ARROWS && pointer === null) {
        held.add(event.key);
        const step = event.shiftKey ? 14 : 7;
        for (const arrow of held) {
            spot = [
                Math.min(WIDTH, Math.max(0, spot[0] + step * ARROWS[arrow][0])),
                Math.min(HEIGHT, Math.max(0, spot[1] + step * ARROWS[arrow][1])),
            ];
        }
        if (stroke) extend(spot);
        moveCursor();
    } else if (event.key === " " && pointer === null) {
        if (!event.repeat) stroke ? end() : begin(spot);
        moveCursor();
    } else return;
    event.preventDefault();
});
document.addEventListener("keydown", (event) => {
    const here = element.contains(event.target) && event.target !== linkField;
    if (!canvas.offsetParent || !(here || event.target === document.body)) return;
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    if (command && key === "z") event.shiftKey ? redo() : undo();
    else if (command && key === "y") redo();
    else if (command || event.altKey) return;
    else if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (here && (key === "e" || key === "p")) choose(key === "e");
    else return;
    event.preventDefault();
});
canvas.addEventListener("keyup", (event) => held.delete(event.key));
canvas.addEventListener("blur", () => {
    held.clear();
    if (stroke && pointer === null) end();
    cursor.hidden = true;
});

// A picture that Python puts on the canvas: an operation like any other.
const take = () => {
    const value = props.value;
    if (!value || value === own) return;
    const image = new Image();
    image.onload = () => change(() => {
        undone = [];
        operations.push({ image });
        canvas.focus({ preventScroll: true });
        canvas.scrollIntoView({ block: "center" });
    });
    image.src = value.slice(value.indexOf(" ") + 1);
};
watch("value", take);

// A link holds the drawing, the net and the layer in its fragment, which browsers send to nobody.
let choice = { net: props.net, stage: props.stage }; // on the page
let linked = false; // the address bar shows the link, and follows what is drawn
const tell = (words, url = "") => {
    told.textContent = words;
    linkField.value = url;
    linkField.hidden = !url;
};
const putInAddress = () => {
    const ink = encode(visible());
    const fragment = ink === null ? "" : `#${new URLSearchParams({ ...choice, ink })}`;
    history.replaceState(null, "", location.pathname + location.search + fragment);
    return fragment;
};
const follow = () => {
    tell("");
    if (linked) putInAddress();
};
const share = async () => {
    if (stroke) end();
    linked = true;
    const fragment = putInAddress();
    if (!fragment) return tell("This drawing is too long for a link.");
    tell("Copy this:", location.origin + location.pathname + fragment);
    linkField.select();
    try { // a browser lets only a page of https or of this machine copy by itself
        await navigator.clipboard.writeText(linkField.value);
        told.textContent = "Copied:";
    } catch {}
};
const open = async () => {
    const link = new URLSearchParams(location.hash.slice(1));
    if (!link.has("ink")) return;
    const [net, stage] = [link.get("net"), link.get("stage")];
    const drawn = await decode(link.get("ink")).catch(() => null);
    linked = drawn !== null && nets.includes(net) && stages.includes(stage);
    operations = linked ? drawn : [];
    undone = [];
    stroke = null;
    if (linked) choice = { net, stage };
    replay();
    refresh();
    canvas.dataset.choice = JSON.stringify([choice.net, choice.stage]);
    send("submit"); // sets net and layer, then asks as for a stroke
    tell(linked ? "" : "This link is damaged: its drawing cannot be shown.");
};
addEventListener("hashchange", () => element.isConnected && open());
hear("choice", (now) => {
    choice = now;
    follow();
});
wipe();
refresh();
tell("");
take();
open();
canvas.dataset.ready = "1";
