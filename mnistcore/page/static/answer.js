// The answer: the number in large, the verdict in words, ten probabilities, the five nets.
const NETS = props.nets;
const large = h("p", { class: "answer-text" });
const verdict = h("p", { class: "answer-verdict" });
const detail = h("p", { class: "answer-detail" });
const strip = h("div", { class: "answer-digits", role: "group", "aria-label": "Digits of the picture" });
const live = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
const bars = Array.from({ length: 10 }, (_, digit) => {
    const fill = h("span", { class: "bar-fill" });
    const value = h("span", { class: "bar-value" });
    const bar = h("li", {}, value, h("span", { class: "bar-track" }, fill), h("span", { class: "bar-digit" }, digit));
    return { bar, fill, value };
});
const rows = NETS.map((name) => {
    const cells = ["says", "prob", "params", "ms"].map((kind) => h("td", { class: kind }));
    return { name, cells, row: h("tr", {}, h("th", { scope: "row" }, name), ...cells) };
});
const agreement = h("caption", {});
const barsTitle = h("h3", {});
const root = h(
    "section", { class: "answer", "aria-label": "Answer" },
    h("div", { class: "answer-top" }, large, h("div", { class: "answer-words" }, verdict, detail, strip)),
    live,
    barsTitle, h("ol", { class: "bars" }, ...bars.map(({ bar }) => bar)),
    h("table", { class: "nets" }, agreement,
        h("thead", {}, h("tr", {}, ...["Net", "Answer", "Probability", "Parameters", "Time"].map(
            (title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, ...rows.map(({ row }) => row))),
);
element.append(root);

let data = {};
let model = NETS[0];
let chosen = 0;
let announce = 0;
const best = (probs) => probs.indexOf(Math.max(...probs));
const title = (name) => props.titles[name] ?? name;
const words = () => {
    const digits = data.digits ?? [];
    if (!digits.length) {
        if (!data.drawn) return ["Nothing to read yet.", props.hint];
        return ["Nothing to read.", `${capital(data.reason) || "There is no ink"}.`];
    }
    if (digits.length === 1) {
        const [{ label, verdict: sure, reason, probs }] = digits;
        const by = `${title(data.model)}: ${percent(probs[label])}.`;
        if (sure === "digit") return [`${capital(article(label))} ${label}.`, by];
        if (sure === "unsure") return [/^\d or/.test(reason) ? `Not sure: ${reason}.` : "Not sure.", /^\d or/.test(reason) ? by : `${capital(reason)}. ${by}`];
        return [`This looks like no digit${reason === "unlike any digit" ? "" : `: ${reason}`}.`, `The nearest is ${label}. ${by}`];
    }
    const doubtful = digits.flatMap((digit, i) => (digit.verdict === "digit" ? [] : [[digit, i]]));
    if (!doubtful.length) return [`${digits.length} digits.`, "All of them sure. Choose one to look at it:"];
    const told = doubtful.slice(0, 3).map(([{ reason }, i]) => `digit ${i + 1}: ${reason}`);
    return [`${digits.length} digits, ${doubtful.length === digits.length ? "all" : doubtful.length} in doubt.`, `${capital(told.join("; "))}.`];
};

const drawDigit = () => {
    const digit = data.digits?.[chosen];
    const several = data.digits?.length > 1 ? ` Digit ${chosen + 1} of ${data.digits.length}` : "";
    barsTitle.textContent = `${title(model)}: probability of each digit${several && ` ·${several}`}`;
    bars.forEach(({ bar, fill, value }, i) => {
        const p = digit?.probs[i] ?? 0;
        fill.style.height = `${100 * p}%`;
        value.textContent = digit ? (p >= 0.0005 ? (100 * p).toFixed(p > 0.9995 ? 0 : 1) : "0") : "";
        bar.classList.toggle("best", digit !== undefined && i === digit.label);
    });
    for (const { name, cells, row } of rows) {
        const probs = digit?.probs_by_model[name];
        const answer = probs && best(probs);
        cells[0].textContent = digit ? answer : "–";
        cells[1].textContent = digit ? percent(probs[answer]) : "–";
        cells[2].textContent = props.params[name].toLocaleString("en");
        cells[3].textContent = digit ? `${data.milliseconds[name].toFixed(1)} ms` : "–";
        row.classList.toggle("chosen", name === model);
        row.classList.toggle("differs", digit !== undefined && answer !== digit.label);
    }
    const agree = digit && NETS.filter((name) => best(digit.probs_by_model[name]) === digit.label).length;
    agreement.textContent = !digit ? "The five nets" : agree === NETS.length ? "All five nets agree" : `${agree} of five nets say ${digit.label}`;
    for (const [i, thumbnail] of [...strip.children].entries()) thumbnail.setAttribute("aria-pressed", String(i === chosen));
};

show((now) => {
    data = now;
    model = data.model ?? model;
    const digits = data.digits ?? [];
    if (chosen >= digits.length) chosen = 0;
    large.textContent = data.text || "–";
    large.dataset.length = Math.min(12, Math.max(...large.textContent.split("\n").map((line) => line.length)));
    root.dataset.verdict = digits.length ? data.verdict : "none";
    const [first, second] = words();
    verdict.textContent = first;
    detail.textContent = second;
    strip.hidden = digits.length < 2;
    strip.replaceChildren(...(digits.length < 2 ? [] : digits.map((digit, i) => h(
        "button", { type: "button", class: `thumbnail ${digit.verdict.replaceAll(" ", "-")}`, "aria-label": `Digit ${i + 1}: ${digit.label}`,
            onclick: () => say("digit", i) },
        h("img", { src: digit.image, alt: "" }), h("span", {}, digit.verdict === "not a digit" ? "·" : digit.label)))));
    drawDigit();
    clearTimeout(announce); // told once the pen rests
    announce = setTimeout(() => (live.textContent = data.text ? `Read: ${data.text}. ${first}` : first), 700);
});
hear("digit", (i) => {
    chosen = i;
    drawDigit();
});
