// The drawing: a list of operations, so that undo is a replay, painted white on black.
import { h } from "./shared.js";

export const [WIDTH, HEIGHT] = [420, 280]; // units of the drawing
export const GRID = 0.25; // units: the finest step between two points
export const [THINNEST, THICKEST] = [8, 40]; // units of the pen
const SHARP = 2; // pixels per unit on the screen
const COARSE = 0.5; // pixels per unit in what is sent: the nets read a digit of 20 pixels
const GRAYS = 16; // in what is sent: the nets see no difference, and it takes a third fewer bytes

const middle = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];

// Where a picture goes that fills the drawing as far as its shape allows: left, top, width, height.
export const fitted = (width, height) => {
    const scale = Math.min(WIDTH / width, HEIGHT / height);
    const [wide, tall] = [width * scale, height * scale];
    return [(WIDTH - wide) / 2, (HEIGHT - tall) / 2, wide, tall];
};

// The operations that can still be seen: those since the last that covered everything.
export const visible = (operations) => {
    const start = operations.findLastIndex(({ clear, picture }) => clear || picture);
    return operations.slice(Math.max(start, 0)).filter(({ clear }) => !clear);
};

// Loads the image of an operation that has a picture; rejects if it is not one.
export const loaded = async (operation) => {
    if (!operation.picture) return operation;
    const image = new Image();
    image.src = operation.picture;
    await image.decode();
    return { ...operation, image };
};

export class Drawing {
    // Each is {points, width, erase}, {picture, image} (a data URL and the loaded image) or {clear}.
    #operations = [];
    #undone = [];
    #stroke = null; // the operation that is being drawn
    #small = h("canvas", { width: WIDTH * COARSE, height: HEIGHT * COARSE });
    #layers;

    constructor() {
        this.canvas = h("canvas", {
            width: WIDTH * SHARP,
            height: HEIGHT * SHARP,
            tabindex: 0,
            role: "application",
            "aria-label": "Drawing canvas",
            "aria-describedby": "pad-keys",
        });
        this.#layers = [this.canvas, this.#small].map((canvas) => {
            const context = canvas.getContext("2d", { willReadFrequently: canvas === this.#small });
            const scale = canvas.width / WIDTH;
            context.setTransform(scale, 0, 0, scale, 0, 0);
            context.lineCap = context.lineJoin = "round";
            return context;
        });
        this.#wipe();
    }

    get penIsDown() {
        return this.#stroke !== null;
    }
    get isEmpty() {
        const last = this.#operations.at(-1);
        return !this.#stroke && (!last || Boolean(last.clear));
    }
    get canUndo() {
        return this.#operations.length > 0;
    }
    get canRedo() {
        return this.#undone.length > 0;
    }
    get visible() {
        return visible(this.#operations);
    }

    begin(point, width, erase) {
        this.#undone = [];
        this.#stroke = { points: [point], width, erase };
        this.#stretch(this.#stroke, 0);
    }
    // Whether the point is far enough from the last to be added.
    extend(point) {
        const { points } = this.#stroke;
        const [x, y] = points.at(-1);
        if (Math.hypot(point[0] - x, point[1] - y) < 1) return false;
        points.push(point);
        this.#stretch(this.#stroke, points.length - 1);
        return true;
    }
    end() {
        this.#finish(this.#stroke);
        this.#operations.push(this.#stroke);
        this.#stroke = null;
    }
    undo() {
        this.#undone.push(this.#operations.pop());
        this.#replay();
    }
    redo() {
        this.#operations.push(this.#undone.pop());
        this.#replay();
    }
    add(operation) {
        this.#undone = [];
        this.#operations.push(operation);
        this.#replay();
    }
    replace(operations) {
        this.#operations = operations;
        this.#undone = [];
        this.#stroke = null;
        this.#replay();
    }

    // A data URL of the drawing, small.
    toURL() {
        const context = this.#layers[1];
        const { width, height } = this.#small;
        const pixels = context.getImageData(0, 0, width, height);
        const step = 255 / (GRAYS - 1);
        const grays = pixels.data.map((x) => step * Math.round(x / step));
        context.putImageData(new ImageData(grays, width, height), 0, 0);
        // WebP of quality 1 is lossless and half the size of PNG; a browser without it writes PNG.
        const url = this.#small.toDataURL("image/webp", 1);
        context.putImageData(pixels, 0, 0); // later strokes must look as in a replay
        return url;
    }

    #ink({ width, erase }, trace) {
        for (const context of this.#layers) {
            context.strokeStyle = erase ? "#000" : "#fff";
            context.lineWidth = width;
            context.beginPath();
            trace(context);
            context.stroke();
        }
    }
    // The stretch of a stroke that ends at point i: quadratic curves from middle to middle.
    #stretch(stroke, i) {
        const [a, b, c] = [i - 2, i - 1, i].map((place) => stroke.points[Math.max(place, 0)]);
        this.#ink(stroke, (context) => {
            context.moveTo(...(i < 2 ? a : middle(a, b)));
            if (i === 0) context.lineTo(...c);
            else context.quadraticCurveTo(...b, ...middle(b, c));
        });
    }
    #finish(stroke) {
        const [b, c] = [stroke.points.at(-2) ?? stroke.points.at(-1), stroke.points.at(-1)];
        this.#ink(stroke, (context) => {
            context.moveTo(...middle(b, c));
            context.lineTo(...c);
        });
    }
    #wipe() {
        for (const context of this.#layers) {
            context.fillStyle = "#000";
            context.fillRect(0, 0, WIDTH, HEIGHT);
        }
    }
    #replay() {
        this.#wipe();
        for (const operation of this.visible) {
            const { image, points } = operation;
            if (image) {
                for (const context of this.#layers)
                    context.drawImage(image, ...fitted(image.width, image.height));
            } else {
                points.forEach((_, i) => {
                    this.#stretch(operation, i);
                });
                this.#finish(operation);
            }
        }
    }
}
