// The answer: the number in large, the verdict in words, ten probabilities, the five nets.
import { percent } from "./format.js";
import { h, hear, say, show } from "./shared.js";
import { inWords } from "./verdict.js";

const NONE = "–";
const REST = 700; // milliseconds without a new answer before a screen reader is told
const SMALLEST_TEXT = 12; // characters in a line from which on page.css makes it no smaller

const best = (probs) => probs.indexOf(Math.max(...probs));
const bar = (p) => (p < 0.0005 ? "0" : (100 * p).toFixed(p > 0.9995 ? 0 : 1)); // in percent

const createBars = () => {
    const title = h("h3", {});
    const bars = Array.from({ length: 10 }, (_, digit) => {
        const [fill, value] = [h("span", { class: "bar-fill" }), h("span", { class: "bar-value" })];
        const track = h("span", { class: "bar-track" }, fill);
        const item = h("li", {}, value, track, h("span", { class: "bar-digit" }, digit));
        return { item, fill, value };
    });
    return {
        nodes: [title, h("ol", { class: "bars" }, ...bars.map(({ item }) => item))],
        update: (digit, words) => {
            title.textContent = words;
            bars.forEach(({ item, fill, value }, i) => {
                const p = digit?.probs[i] ?? 0;
                fill.style.height = `${100 * p}%`;
                value.textContent = digit ? bar(p) : "";
                item.classList.toggle("best", i === digit?.label);
            });
        },
    };
};

const agreement = (digit, answers) => {
    if (!digit) return "The five nets";
    const agreeing = answers.filter((answer) => answer === digit.label).length;
    if (agreeing === answers.length) return "All five nets agree";
    return `${agreeing} of ${answers.length} nets say ${digit.label}`;
};

const createTable = (nets, params) => {
    const caption = h("caption", {});
    const rows = nets.map((name) => {
        const cells = ["says", "prob", "params", "ms"].map((kind) => h("td", { class: kind }));
        return { name, cells, row: h("tr", {}, h("th", { scope: "row" }, name), ...cells) };
    });
    const titles = ["Net", "Answer", "Probability", "Parameters", "Time"].map((title) =>
        h("th", { scope: "col" }, title),
    );
    return {
        node: h(
            "table",
            { class: "nets" },
            caption,
            h("thead", {}, h("tr", {}, ...titles)),
            h("tbody", {}, ...rows.map(({ row }) => row)),
        ),
        update: (digit, chosen, milliseconds) => {
            const probs = nets.map((name) => digit?.probs_by_model[name]);
            const answers = probs.map((p) => p && best(p));
            caption.textContent = agreement(digit, answers);
            rows.forEach(({ name, cells, row }, i) => {
                const texts = digit ? [answers[i], percent(probs[i][answers[i]])] : [NONE, NONE];
                const time = digit ? `${milliseconds[name].toFixed(1)} ms` : NONE;
                texts.push(params[name].toLocaleString("en"), time);
                cells.forEach((cell, k) => {
                    cell.textContent = texts[k];
                });
                row.classList.toggle("chosen", name === chosen);
                row.classList.toggle("differs", answers[i] !== digit?.label);
            });
        },
    };
};

const createThumbnails = (verdicts) => {
    const strip = h("div", {
        class: "answer-digits",
        role: "group",
        "aria-label": "Digits of the picture",
    });
    const thumbnail = (digit, i) =>
        h(
            "button",
            {
                type: "button",
                class: `thumbnail ${digit.verdict.replaceAll(" ", "-")}`,
                "aria-label": `Digit ${i + 1}: ${digit.label}`,
                onclick: () => say("digit", i),
            },
            h("img", { src: digit.image, alt: "" }),
            h("span", {}, digit.verdict === verdicts.notADigit ? "·" : digit.label),
        );
    return {
        strip,
        show: (digits) => {
            strip.hidden = digits.length < 2;
            strip.replaceChildren(...(strip.hidden ? [] : digits.map(thumbnail)));
        },
        choose: (chosen) => {
            [...strip.children].forEach((button, i) => {
                button.setAttribute("aria-pressed", String(i === chosen));
            });
        },
    };
};

export default (component) => {
    const { element, props } = component;
    const { nets, titles, verdicts, hint } = props;
    const large = h("p", { class: "answer-text" });
    const verdict = h("p", { class: "answer-verdict" });
    const detail = h("p", { class: "answer-detail" });
    const live = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
    const thumbnails = createThumbnails(verdicts);
    const bars = createBars();
    const table = createTable(nets, props.params);
    const words = h("div", { class: "answer-words" }, verdict, detail, thumbnails.strip);
    const root = h(
        "section",
        { class: "answer", "aria-label": "Answer" },
        h("div", { class: "answer-top" }, large, words),
        live,
        ...bars.nodes,
        table.node,
    );
    element.append(root);

    let data = {};
    let model = nets[0];
    let chosen = 0; // the digit that is looked at
    let timer = 0; // to the words for screen readers
    const title = () => titles[model] ?? model;

    const drawDigit = () => {
        const digits = data.digits ?? [];
        const which = digits.length > 1 ? ` · Digit ${chosen + 1} of ${digits.length}` : "";
        bars.update(digits[chosen], `${title()}: probability of each digit${which}`);
        table.update(digits[chosen], model, data.milliseconds);
        thumbnails.choose(chosen);
    };
    show(component, (now) => {
        data = now;
        model = data.model ?? model;
        const { digits = [], text } = data;
        if (chosen >= digits.length) chosen = 0;
        large.textContent = text || NONE;
        const longest = Math.max(...large.textContent.split("\n").map((line) => line.length));
        large.dataset.length = Math.min(SMALLEST_TEXT, longest);
        root.dataset.verdict = digits.length ? data.verdict : "none";
        [verdict.textContent, detail.textContent] = inWords(data, title(), verdicts, hint);
        thumbnails.show(digits);
        drawDigit();
        clearTimeout(timer);
        timer = setTimeout(() => {
            const read = text ? `Read: ${text}. ` : "";
            live.textContent = read + verdict.textContent;
        }, REST);
        if (data.error) say("unreadable", data.error);
    });
    hear(element, "digit", (i) => {
        chosen = i;
        drawDigit();
    });
};
