// The benchmark, from the results files: table, confusion, misread digits, paired tests.
const root = h("section", { class: "results", "aria-label": "Benchmark" });
element.append(root);
const share = (x) => (100 * x).toFixed(2);

// A share and its interval on a line from low to high, beside a diamond for what it is held against.
const line = (low, high) => ({ accuracy, interval, reference }) => {
    const at = (x) => (100 * (x - low)) / (high - low);
    const place = (name, left, title) => {
        const mark = h("span", { class: name, title });
        mark.style.left = `${left}%`;
        return mark;
    };
    const bar = place("interval-bar", at(interval[0]));
    bar.style.width = `${at(interval[1]) - at(interval[0])}%`;
    return h("span", { class: "interval", title: `${share(interval[0])} to ${share(interval[1])} %` },
        bar, place("interval-dot", at(accuracy)),
        reference ? place("interval-reference", at(reference), `${share(reference)} %`) : null);
};

const accuracyTable = (data) => {
    const rows = data.rows;
    const all = rows.flatMap((row) => [row.interval[0], ...(row.reference ? [row.reference] : [])]);
    const [low, high] = [Math.min(...all) - 0.0005, Math.max(...rows.map((row) => row.interval[1])) + 0.0005];
    const chart = line(low, high);
    const number = (x, digits = 0) => (x === undefined || x === null ? "" : x.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits }));
    const columns = [
        ["Net", (row) => row.name], ["Accuracy %", (row) => share(row.accuracy)],
        ["95 % interval", (row) => `${share(row.interval[0])} to ${share(row.interval[1])}`],
        ["", chart], ["Errors", (row) => row.errors], ["Reference %", (row) => (row.reference ? share(row.reference) : "")],
        ["Parameters", (row) => number(row.num_params)], ["Multiply-adds", (row) => (row.macs ? `${number(row.macs / 1e6, 2)} M` : "")],
        ["One image, ms", (row) => number(row.latency_ms, 2)], ["Training, s", (row) => number(row.train_seconds)],
    ];
    return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Accuracy and cost of the nets" }, h("table", { class: "wide" },
        h("thead", {}, h("tr", {}, ...columns.map(([title]) => (title ? h("th", { scope: "col" }, title) : h("td", { class: "chart" }))))),
        h("tbody", {}, ...rows.map((row) => h("tr", { class: row.key === data.chosen ? "chosen" : "" },
            ...columns.map(([title, cell], i) => h(i ? "td" : "th", i ? { class: title ? "" : "chart" } : { scope: "row" }, cell(row))))))));
};

const confusion = ({ confusion: counts }) => {
    const worst = Math.max(1, ...counts.flatMap((line, i) => line.filter((_, j) => i !== j)));
    const digits = [...counts.keys()];
    return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, h("table", { class: "confusion" },
        h("thead", {}, h("tr", {}, h("td", {}), ...digits.map((digit) => h("th", { scope: "col" }, digit)))),
        h("tbody", {}, ...counts.map((line, i) => h("tr", {}, h("th", { scope: "row" }, i), ...line.map((count, j) => {
            const cell = h("td", { class: i === j ? "right" : count ? "wrong" : "none" }, count || "·");
            if (i !== j && count) cell.style.setProperty("--share", 0.25 + (0.75 * count) / worst);
            return cell;
        }))))));
};

const misread = ({ misread: list }) => h("div", { class: "misread" }, ...list.map((digit) => h(
    "button", { type: "button", title: `Test digit ${digit.index}: put it on the canvas`, "aria-label": `Test digit ${digit.index}: ${article(digit.label)} ${digit.label}, read as ${digit.pred}. Put it on the canvas.`,
        onclick: () => trigger("click", { index: digit.index }) },
    h("img", { src: digit.image, alt: "", class: "pixels" }),
    h("span", {}, h("b", {}, digit.label), ` as ${digit.pred}`), h("small", {}, `${(100 * digit.prob).toFixed(0)} %`))));

const paired = ({ nets, pairs }) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Paired tests" }, h("table", { class: "wide pairs" },
    h("thead", {}, h("tr", {}, h("td", {}), ...nets.slice(1).map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...nets.slice(0, -1).map((a, i) => h("tr", {}, h("th", { scope: "row" }, a), ...nets.slice(1).map((b, j) => {
        if (j < i) return h("td", {});
        const pair = pairs.find((one) => one.a === a && one.b === b);
        return h("td", { class: pair.p_value < 0.05 ? "differs" : "" }, `${pair.only_a} : ${pair.only_b}`, h("small", {}, ` p = ${Number(pair.p_value.toPrecision(2))}`));
    }))))));

const pictures = (rows, titles, label) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, h("table", { class: "wide" },
    h("thead", {}, h("tr", {}, ...["Pictures", ...titles, "95 % interval"].map((title) => h("th", { scope: "col" }, title)), h("td", { class: "chart" }), h("th", { scope: "col" }, "n"))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.title),
        h("td", {}, (100 * row.share).toFixed(1)), "naive" in row ? h("td", {}, (100 * row.naive).toFixed(1)) : null,
        h("td", {}, row.interval.map((x) => (100 * x).toFixed(1)).join(" to ")),
        h("td", { class: "chart" }, line(0, 1)({ accuracy: row.share, interval: row.interval, reference: row.naive })),
        h("td", {}, row.n.toLocaleString("en")))))));

const block = (title, words, ...nodes) => h("section", {}, h("h2", {}, title), h("p", {}, words), ...nodes);
const draw = () => {
    const data = JSON.parse(props.value || "{}");
    if (!props.value) return;
    if (props.part === "top") {
        root.replaceChildren(block("Test accuracy", data.words, accuracyTable(data)));
        return;
    }
    root.replaceChildren(
        h("div", { class: "pair" },
            block(`${data.title}: what is taken for what`, "Rows are the true digit, columns the answer; colour shows the errors alone.", confusion(data)),
            block(`${data.title}: the ${data.misread.length} misread test digits`, "Click one to put it on the canvas.", misread(data))),
        ...(data.pairs ? [block("Does one net beat another?", "How many digits only the row's net reads right, to how many only the column's; exact McNemar test. A large p says that the difference may well be luck.", paired(data))] : []),
        ...(data.pictures ? [
            block(`${data.title}: pictures that are not MNIST`, "Right is a picture of which every digit is read and nothing else. The diamond is the naive way: the whole picture shrunk to 28×28 and given to the same net.",
                pictures(data.pictures.read, ["Right %", "Naive %"], "Accuracy on pictures")),
            block("What is no digit", "The share that is not read as a sure digit. The naive way refuses nothing.",
                pictures(data.pictures.refused, ["Refused %"], "Refused pictures"))] : []),
    );
};
watch("value", draw);
if (props.part === "top") hear("choice", () => element.offsetParent && trigger("submit"));
draw();
