// What a net looks like while it learns: its kernels and maps, its answer over time, its confusions.
import { createChart } from "./chart.js";
import { paintInk, scaleOf } from "./colours.js";
import { grouped, percent, unpackSigned } from "./format.js";
import { confusionTable } from "./results.js";
import { h } from "./shared.js";

const FULL = 127; // what the limit of packed bytes is

// Ink in [0, 1] from base64 of int8.
const inkOf = (text) => Float32Array.from(unpackSigned(text), (x) => x / FULL);

// The columns of the picture of all answers, one for each step of the axis: for each, the last
// answer until then; null before the first.
export const columnsOf = (points, epochs, count) => {
    const columns = Array(count).fill(null);
    for (const { epoch, probs } of points)
        if (probs) columns[Math.min(count - 1, Math.floor((epoch / epochs) * count))] = probs;
    let last = null;
    const end = columns.findLastIndex(Boolean);
    return columns.map((probs, i) => {
        last = probs ?? last;
        return i <= end ? last : null;
    });
};

const createCanvas = (width, height, label) =>
    h("canvas", { class: "pixels", width, height, role: "img", "aria-label": label });

// A row of planes: {shape, limit, bytes}.
const createPlanes = (title) => {
    const cells = h("div", { class: "learning-planes" });
    const note = h("span", { class: "row-note" });
    let canvases = [];
    return {
        node: h("figure", {}, h("h3", {}, title, note), cells),
        draw: ({ shape: [count, height, width], limit, bytes }, scale) => {
            if (canvases.length !== count || canvases[0].width !== width) {
                canvases = Array.from({ length: count }, (_, i) =>
                    createCanvas(width, height, `${title}, ${i + 1}`),
                );
                cells.replaceChildren(...canvases);
            }
            note.textContent = `${count} of ${height}×${width}, on a scale of ±${limit.toPrecision(2)}`;
            const numbers = unpackSigned(bytes);
            canvases.forEach((canvas, i) => {
                scale.paint(canvas, numbers, i * width * height, FULL);
            });
        },
    };
};

// What it said to the digit from the first epoch to the last: a row for each digit.
const createAnswers = () => {
    const columns = 220;
    const canvas = createCanvas(columns, 10, "The answers so far");
    const digit = createCanvas(28, 28, "The digit");
    const words = h("p", { class: "learning-says" });
    const source = h("p", {});
    const rows = h("div", { class: "learning-digits" });
    rows.append(...Array.from({ length: 10 }, (_, i) => h("span", {}, i)));
    const node = h(
        "figure",
        {},
        h("h3", {}, "Its answer over time"),
        words,
        h("div", { class: "learning-answers" }, digit, rows, canvas),
        source,
    );
    return {
        node,
        draw: (run, packed, drawn, scale) => {
            const last = run.points.findLast(({ probs }) => probs);
            if (!last) return;
            const best = last.probs.indexOf(Math.max(...last.probs));
            words.textContent = `After ${last.epoch.toFixed(2)} epochs it says ${best}: ${percent(last.probs[best])}`;
            source.textContent =
                "Each column is a moment, each row a digit; red means likely. These probabilities are not calibrated. " +
                (drawn
                    ? ""
                    : "This digit was held out of training; draw one in the Read tab to follow it here instead.");
            const shown = columnsOf(run.points, run.epochs, columns);
            const numbers = new Float32Array(10 * columns);
            shown.forEach((probs, i) => {
                probs?.forEach((p, row) => {
                    numbers[row * columns + i] = p;
                });
            });
            scale.paint(canvas, numbers, 0, 1);
            canvas.setAttribute("aria-label", `The answers so far; ${words.textContent}`);
            paintInk(digit, inkOf(packed));
        },
    };
};

const wrongDigit = ({ index, label, pred, prob }, images) => {
    const canvas = createCanvas(28, 28, `Validation digit ${index}`);
    paintInk(canvas, inkOf(images.get(index)));
    return h(
        "li",
        {},
        canvas,
        h("span", {}, h("b", {}, label), ` as ${pred}`),
        h("small", {}, percent(prob)),
    );
};

export const createLearning = (element) => {
    const charts = [
        createChart("Loss", 0, true, (x) => x.toPrecision(2)),
        createChart("Accuracy", 1, false, percent),
    ];
    const [kernels, maps] = [createPlanes("Kernels of conv1"), createPlanes("Their maps")];
    const answers = createAnswers();
    const confusion = h("div", {});
    const wrongTitle = h("h3", {});
    const wrong = h("ul", { class: "learning-wrong" });
    const rest = h(
        "div",
        { class: "learning-rest", hidden: true },
        answers.node,
        kernels.node,
        maps.node,
        h("figure", {}, h("h3", {}, "Confusion matrix: rows are the true digits"), confusion),
        h("figure", {}, wrongTitle, wrong),
    );
    return {
        node: h(
            "div",
            { class: "learning-all" },
            h("div", { class: "learning-charts" }, ...charts.map(({ node }) => node)),
            rest,
        ),
        // Draws a run, {epochs, points, images, newest, drawn}, and the curves of the one before it.
        draw: (run, before) => {
            for (const chart of charts) chart.draw(run, before);
            const newest = run?.newest;
            rest.hidden = !newest?.kernels;
            if (rest.hidden) return;
            const scale = scaleOf(element);
            kernels.draw(newest.kernels, scale);
            maps.draw(newest.maps, scale);
            answers.draw(run, newest.digit, run.drawn, scale);
            if (run.shown === newest.wrong) return; // not validated again since
            run.shown = newest.wrong;
            confusion.replaceChildren(confusionTable(newest));
            const all = newest.confusion.flat().reduce((sum, n) => sum + n, 0);
            wrongTitle.textContent = `Misread: ${newest.errors} of the ${grouped(all)} validation digits used for the curves`;
            wrong.replaceChildren(...newest.wrong.map((one) => wrongDigit(one, run.images)));
        },
    };
};
