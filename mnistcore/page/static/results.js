// The benchmark, from the results files: accuracy, epochs, confusion, misread digits, pairs of nets,
// pictures. Each section folds, so that a phone shows their titles at once.
import { article, grouped } from "./format.js";
import { h, hear } from "./shared.js";

const PADDING = 0.0005; // of accuracy, on both sides of the chart: a twentieth of a percent
const SIGNIFICANT = 0.05; // a smaller p is set off
const FAINTEST = 0.25; // share of the colour that a single confusion gets, of the most frequent 1
const WIDE = "(width > 1000px)"; // as in page.css: the tables have room for their columns

const percents = (x, digits = 2) => (100 * x).toFixed(digits);
const range = ([low, high], digits) => `${percents(low, digits)} to ${percents(high, digits)}`;
const heading = (title) => h("th", { scope: "col" }, title);
const rowHeading = (title) => h("th", { scope: "row" }, title);

const table = (label, kind, head, rows) =>
    h(
        "table",
        { class: kind, "aria-label": label },
        h("thead", {}, h("tr", {}, ...head)),
        h("tbody", {}, ...rows),
    );

// Key of a section -> whether it is open, which another net does not change. At the start all are
// open on a wide page, and only the first on a narrow one.
const open = new Map([["accuracy", true]]);

const section = (key, title, words, ...nodes) =>
    h(
        "details",
        {
            open: open.get(key) ?? matchMedia(WIDE).matches,
            ontoggle: ({ target }) => open.set(key, target.open),
        },
        h("summary", {}, h("h2", {}, title)),
        h("p", {}, words),
        ...nodes,
    );

// A table whose rows become blocks where there is no room for its columns: the name and the first
// number, the chart below, then each number with its label. A chart is a column without a title,
// and a cell without a number is null.
const rowsTable = (label, nameTitle, columns, rows) => {
    const cell = (row, [title, content]) =>
        h("td", title ? { "data-label": title } : { class: "chart" }, content(row));
    return table(
        label,
        "rows",
        [
            heading(nameTitle),
            ...columns.map(([title]) => (title ? heading(title) : h("td", { class: "chart" }))),
        ],
        rows.map((row) =>
            h(
                "tr",
                { class: row.chosen ? "chosen" : null },
                rowHeading(row.title),
                ...columns.map((column) => cell(row, column)),
            ),
        ),
    );
};

// A share and its interval on a line from low to high, with a diamond for the reference.
const chart = (low, high, { share, interval, reference }) => {
    const at = (x) => (100 * (x - low)) / (high - low);
    const place = (name, x, title) => {
        const mark = h("span", { class: name, title });
        mark.style.left = `${at(x)}%`;
        return mark;
    };
    const bar = place("interval-bar", interval[0]);
    bar.style.width = `${at(interval[1]) - at(interval[0])}%`;
    return h(
        "span",
        { class: "interval", title: `${range(interval)} %` },
        bar,
        place("interval-dot", share),
        reference == null
            ? null
            : place("interval-reference", reference, `${percents(reference)} %`),
    );
};

// The accuracies at both ends of the chart, which holds every interval and every reference of the
// nets that were measured together. A visitor's own net may be far from them.
export const ends = (rows) => {
    const measured = rows.filter(({ own }) => !own);
    const marks = measured.flatMap(({ interval, reference }) =>
        reference == null ? interval : [...interval, reference],
    );
    return [Math.min(...marks) - PADDING, Math.max(...marks) + PADDING];
};

// Mean and standard deviation: a column only where the nets were trained with several seeds.
const seedsColumns = (seeds) =>
    seeds
        ? [
              [
                  `Errors, mean of ${seeds} seeds`,
                  (row) => row.errors_over_seeds?.map((x) => x.toFixed(1)).join(" ± "),
              ],
          ]
        : [];

const accuracySection = ({ rows, chosen, words, notes, seeds }) => {
    const [low, high] = ends(rows);
    const columns = [
        ["Accuracy %", ({ accuracy }) => percents(accuracy)],
        [
            "",
            (row) =>
                row.interval[0] < low || row.interval[1] > high
                    ? null
                    : chart(low, high, { ...row, share: row.accuracy }),
        ],
        ["95 % interval", ({ interval }) => range(interval)],
        ["Errors", ({ errors }) => grouped(errors)],
        ...seedsColumns(seeds),
        ["Reference %", ({ reference }) => (reference == null ? null : percents(reference))],
        ["Parameters", (row) => grouped(row.num_params)],
        ["Multiply-adds", ({ macs }) => (macs == null ? null : `${grouped(macs / 1e6, 2)} M`)],
        ["One image, ms", (row) => grouped(row.latency_ms, 2)],
        ["Training, s", (row) => grouped(row.train_seconds)],
    ];
    const nets = rows.map((row) => ({ ...row, title: row.name, chosen: row.key === chosen }));
    return section(
        "accuracy",
        "Test accuracy",
        words,
        rowsTable("Accuracy and cost of the nets", "Net", columns, nets),
        h("p", {}, notes),
    );
};

// The plot itself is Gradio's and stands below the section. Its own legend does not wrap, and a phone
// cuts it off.
const epochsSection = (colours) => {
    const curve = ([net, colour]) =>
        h("span", { class: "curve", style: `--colour: ${colour}` }, net);
    return section(
        "epochs",
        "Accuracy over epochs",
        "On the validation images, with averaged weights. The test set is not used.",
        h("p", {}, ...Object.entries(colours).map(curve)),
    );
};

export const confusionTable = ({ confusion }) => {
    const errors = confusion.flatMap((line, i) => line.filter((_, j) => i !== j));
    const most = Math.max(1, ...errors);
    const cell = (n, isRight) => {
        const kind = isRight ? "right" : n ? "wrong" : "none";
        const node = h("td", { class: kind }, n || "·");
        if (kind === "wrong")
            node.style.setProperty("--share", FAINTEST + ((1 - FAINTEST) * n) / most);
        return node;
    };
    return table(
        "Confusion matrix",
        "confusion",
        [h("td", {}), ...confusion.map((_, digit) => heading(digit))],
        confusion.map((line, i) =>
            h("tr", {}, rowHeading(i), ...line.map((n, j) => cell(n, i === j))),
        ),
    );
};

const misreadDigit = ({ index, label, pred, prob, image }, trigger) =>
    h(
        "button",
        {
            type: "button",
            title: `Test digit ${index}: put it on the canvas`,
            "aria-label":
                `Test digit ${index}: ${article(label)} ${label}, read as ${pred}. ` +
                "Put it on the canvas.",
            onclick: () => trigger("click", { index }),
        },
        h("img", { src: image, alt: "", class: "pixels" }),
        h("span", {}, h("b", {}, label), ` as ${pred}`),
        h("small", {}, `${percents(prob, 0)} %`),
    );

const pairsTable = (pairs) => {
    const cells = ({ a, b, only_a, only_b, p_value }) => [
        rowHeading(a),
        h("td", {}, `${only_a} : ${only_b}`),
        h("td", {}, b),
        h("td", {}, Number(p_value.toPrecision(2))),
    ];
    return table(
        "Paired tests",
        "pairs",
        ["Net A", "Only A : only B", "Net B", "p"].map(heading),
        pairs.map((pair) =>
            h("tr", { class: pair.p_value < SIGNIFICANT ? "differs" : null }, ...cells(pair)),
        ),
    );
};

const netSections = (data, trigger) => {
    const { title, misread } = data;
    const confusion = section(
        "confusion",
        `${title}: confusion matrix`,
        "Rows are the true digits, columns the answers. Only errors are coloured.",
        confusionTable(data),
    );
    const digits = section(
        "misread",
        `${title}: the ${misread.length} misread test digits`,
        "Click one to put it on the canvas.",
        h("div", { class: "misread" }, ...misread.map((digit) => misreadDigit(digit, trigger))),
    );
    return h("div", { class: "pair" }, confusion, digits);
};

const pairsSection = (pairs) =>
    section(
        "pairs",
        "Does one net beat another?",
        "The table counts the test digits that only one of two nets reads correctly. McNemar’s " +
            "test asks: if both nets were equally good, how likely would a split at least this " +
            "uneven be? That is p; a large p means that the difference may well be chance.",
        pairsTable(pairs),
    );

const picturesSections = ({ title, pictures }, side) => {
    const columns = (shareTitle, naive) => [
        [shareTitle, ({ share }) => percents(share, 1)],
        ["", (row) => chart(0, 1, { ...row, reference: row.naive })],
        ["95 % interval", ({ interval }) => range(interval, 1)],
        ...(naive
            ? [
                  ["Wrong and sure %", (row) => percents(row.sure_wrong, 1)],
                  ["Naive %", (row) => percents(row.naive, 1)],
              ]
            : []),
        ["Pictures", ({ n }) => grouped(n)],
    ];
    return [
        section(
            "pictures",
            `${title}: pictures that are not from MNIST`,
            "A picture is right if every digit is read correctly and nothing else is read. The diamond is " +
                `the naive way: the whole picture, shrunk to ${side}×${side}, is given to the net.`,
            rowsTable("Accuracy on pictures", "Kind", columns("Right %", true), pictures.read),
        ),
        section(
            "refused",
            "Pictures without digits",
            "The share that is not read as a sure digit. The naive way refuses nothing.",
            rowsTable("Refused pictures", "Kind", columns("Refused %", false), pictures.refused),
        ),
    ];
};

const otherSections = (data, side, trigger) => [
    ...(data.missing
        ? [h("h2", {}, data.title), h("p", {}, data.missing)]
        : [netSections(data, trigger)]),
    ...(data.pairs ? [pairsSection(data.pairs)] : []),
    ...(data.pictures ? picturesSections(data, side) : []),
];

export default ({ element, props, trigger, watch }) => {
    const root = h("div", { class: "results" });
    element.append(root);
    if (props.part === "epochs") {
        root.append(epochsSection(props.colours));
        return;
    }
    const draw = () => {
        if (!props.value) return;
        const data = JSON.parse(props.value);
        root.replaceChildren(
            ...(props.part === "top"
                ? [accuracySection(data)]
                : otherSections(data, props.side, trigger)),
        );
    };
    watch("value", draw);
    // The table asks for another net's results where it is seen.
    if (props.part === "top")
        hear(element, "choice", () => {
            if (element.offsetParent) trigger("submit");
        });
    draw();
};
