// The benchmark, from the results files: accuracy, confusion, misread digits, paired tests, pictures.
import { article } from "./format.js";
import { h, hear } from "./shared.js";

const PADDING = 0.0005; // of accuracy, on both sides of the chart: a twentieth of a percent
const SIGNIFICANT = 0.05; // a smaller p is set off
const FAINTEST = 0.25; // share of the colour that a single confusion gets, of the most frequent 1

const percents = (x, digits = 2) => (100 * x).toFixed(digits);
const count = (x, digits = 0) =>
    x == null
        ? ""
        : x.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const heading = (title) => h("th", { scope: "col" }, title);
const rowHeading = (title) => h("th", { scope: "row" }, title);

// A table that scrolls sideways where there is no room; `head` and `rows` are cells.
const table = (label, kind, head, rows) =>
    h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
        h("table", { class: kind }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
    );

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
        { class: "interval", title: `${percents(interval[0])} to ${percents(interval[1])} %` },
        bar,
        place("interval-dot", share),
        reference ? place("interval-reference", reference, `${percents(reference)} %`) : null,
    );
};

const accuracyTable = ({ rows, chosen }) => {
    const lows = rows.flatMap(({ interval, reference }) => [interval[0], reference ?? interval[0]]);
    const low = Math.min(...lows) - PADDING;
    const high = Math.max(...rows.map(({ interval }) => interval[1])) + PADDING;
    const columns = [
        ["Accuracy %", (row) => percents(row.accuracy)],
        ["95 % interval", ({ interval }) => interval.map((x) => percents(x)).join(" to ")],
        ["", (row) => chart(low, high, { ...row, share: row.accuracy })],
        ["Errors", (row) => row.errors],
        ["Reference %", ({ reference }) => (reference ? percents(reference) : "")],
        ["Parameters", (row) => count(row.num_params)],
        ["Multiply-adds", ({ macs }) => (macs ? `${count(macs / 1e6, 2)} M` : "")],
        ["One image, ms", (row) => count(row.latency_ms, 2)],
        ["Training, s", (row) => count(row.train_seconds)],
    ];
    const head = columns.map(([title]) => (title ? heading(title) : h("td", { class: "chart" })));
    return table(
        "Accuracy and cost of the nets",
        "wide",
        [heading("Net"), ...head],
        rows.map((row) =>
            h(
                "tr",
                { class: row.key === chosen ? "chosen" : "" },
                rowHeading(row.name),
                ...columns.map(([title, cell]) =>
                    h("td", { class: title ? "" : "chart" }, cell(row)),
                ),
            ),
        ),
    );
};

const confusionTable = ({ confusion }) => {
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

const pairsTable = ({ nets, pairs }) => {
    const cell = (a, b) => {
        const pair = pairs.find((one) => one.a === a && one.b === b);
        const p = Number(pair.p_value.toPrecision(2));
        return h(
            "td",
            { class: pair.p_value < SIGNIFICANT ? "differs" : "" },
            `${pair.only_a} : ${pair.only_b}`,
            h("small", {}, ` p = ${p}`),
        );
    };
    return table(
        "Paired tests",
        "wide pairs",
        [h("td", {}), ...nets.slice(1).map(heading)],
        nets.slice(0, -1).map((a, i) => {
            const cells = nets.slice(1).map((b, j) => (j < i ? h("td", {}) : cell(a, b)));
            return h("tr", {}, rowHeading(a), ...cells);
        }),
    );
};

const picturesTable = (rows, titles, label) => {
    const cells = ({ share, interval, naive, n }) => [
        h("td", {}, percents(share, 1)),
        naive == null ? null : h("td", {}, percents(naive, 1)),
        h("td", {}, interval.map((x) => percents(x, 1)).join(" to ")),
        h("td", { class: "chart" }, chart(0, 1, { share, interval, reference: naive })),
        h("td", {}, count(n)),
    ];
    const head = ["Pictures", ...titles, "95 % interval"].map(heading);
    return table(
        label,
        "wide",
        [...head, h("td", { class: "chart" }), heading("n")],
        rows.map((row) => h("tr", {}, rowHeading(row.title), ...cells(row))),
    );
};

const block = (title, words, ...nodes) =>
    h("section", {}, h("h2", {}, title), h("p", {}, words), ...nodes);

const ofNet = (data, trigger) => {
    if (data.missing) return [block(data.title, data.missing)];
    const { title, misread } = data;
    const confusion = block(
        `${title}: confusion matrix`,
        "Rows are the true digits, columns the answers. Only errors are coloured.",
        confusionTable(data),
    );
    const digits = block(
        `${title}: the ${misread.length} misread test digits`,
        "Click one to put it on the canvas.",
        h("div", { class: "misread" }, ...misread.map((digit) => misreadDigit(digit, trigger))),
    );
    return [h("div", { class: "pair" }, confusion, digits)];
};

const ofPairs = (data) =>
    block(
        "Does one net beat another?",
        "How many digits only the row’s net reads correctly : how many only the column’s; exact " +
            "McNemar test. A large p means that the difference may well be chance.",
        pairsTable(data),
    );

const ofPictures = ({ title, pictures }, side) => [
    block(
        `${title}: pictures that are not from MNIST`,
        "A picture counts as right if every digit is read and nothing else. The diamond is the " +
            `naive way: the whole picture shrunk to ${side}×${side} and given to the same net.`,
        picturesTable(pictures.read, ["Right %", "Naive %"], "Accuracy on pictures"),
    ),
    block(
        "Pictures without digits",
        "The share that is not read as a sure digit. The naive way refuses nothing.",
        picturesTable(pictures.refused, ["Refused %"], "Refused pictures"),
    ),
];

export default ({ element, props, trigger, watch }) => {
    const root = h("section", { class: "results", "aria-label": "Benchmark" });
    element.append(root);
    const draw = () => {
        if (!props.value) return;
        const data = JSON.parse(props.value);
        if (props.part === "top") {
            root.replaceChildren(block("Test accuracy", data.words, accuracyTable(data)));
            return;
        }
        root.replaceChildren(
            ...ofNet(data, trigger),
            ...(data.pairs ? [ofPairs(data)] : []),
            ...(data.pictures ? ofPictures(data, props.side) : []),
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
