// The answer: the number in large, the verdict in words, ten probabilities, the five nets.
import { chosen as chosenNow } from "./choice.js";
import { capital, percent } from "./format.js";
import { h, hear, say, show } from "./shared.js";
import { COUNTS, inWords, said, tally } from "./verdict.js";
import { createWaiting } from "./waiting.js";
import { architectureOf, titleOf } from "./yours.js";

const NONE = "–";
const REST = 700; // milliseconds without a new answer before a screen reader is told
const SMALLEST_TEXT = 12; // characters per line; page.css shrinks the text no further

const bar = (p) => (p < 0.0005 ? "0" : (100 * p).toFixed(p > 0.9995 ? 0 : 1)); // in percent

const createBars = (even) => {
    const title = h("h2", {});
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
            const best = digit && said(digit.probs, even);
            bars.forEach(({ item, fill, value }, i) => {
                const p = digit?.probs[i] ?? 0;
                fill.style.height = `${100 * p}%`;
                value.textContent = digit ? bar(p) : "";
                item.classList.toggle("best", i === best);
            });
        },
    };
};

// How far the nets that there are agree, whichever of them is chosen.
const agreement = (digit, even) => {
    if (!digit) return "The nets";
    const [most, next] = tally(digit, even);
    if (!most) return "No net sees a digit";
    const [label, n] = most;
    const count = Object.keys(digit.probs_by_model).length;
    if (n === next?.[1]) return "The nets disagree";
    if (n < count) return `${n} of ${count} nets ${n === 1 ? "says" : "say"} ${label}`;
    if (count === 1) return `One net says ${label}`;
    return count === 2 ? "Both nets agree" : `All ${COUNTS[count]} nets agree`;
};

const createTable = ({ nets, params, even }) => {
    const caption = h("caption", {});
    const createRow = (name) => {
        const cells = ["says", "prob", "params", "ms"].map((kind) => h("td", { class: kind }));
        const title = h("th", { scope: "row" }, capital(titleOf(name)));
        return { name, cells, row: h("tr", {}, title, ...cells) };
    };
    const rows = nets.map(createRow);
    let own = null; // the row of a visitor's own net, as long as it is chosen
    const showOwn = (chosen) => {
        const name = nets.includes(chosen) || chosen === "all" ? undefined : chosen;
        if (own?.name === name) return;
        own?.row.remove();
        own = name ? createRow(name) : null;
        if (own) body.append(own.row);
    };
    const body = h("tbody", {}, ...rows.map(({ row }) => row));
    const titles = ["Net", "Answer", "Probability", "Parameters", "Time"].map((title) =>
        h("th", { scope: "col" }, title),
    );
    return {
        node: h("table", { class: "nets" }, caption, h("thead", {}, h("tr", {}, ...titles)), body),
        update: (digit, chosen, milliseconds) => {
            showOwn(chosen);
            caption.textContent = agreement(digit, even);
            const shown = digit && said(digit.probs, even);
            [...rows, own].filter(Boolean).forEach(({ name, cells, row }) => {
                const probs = digit?.probs_by_model[name];
                const label = probs ? said(probs, even) : null;
                const texts = [label ?? NONE, probs ? percent(Math.max(...probs)) : NONE];
                const time = probs ? `${milliseconds[name].toFixed(1)} ms` : NONE;
                texts.push(params[architectureOf(name)].toLocaleString("en"), time);
                cells.forEach((cell, k) => {
                    cell.textContent = texts[k];
                });
                row.classList.toggle("chosen", name === chosen);
                row.classList.toggle("differs", shown != null && label !== shown);
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
                "aria-label": `Digit ${i + 1}: ${digit.verdict === verdicts.notADigit ? digit.verdict : digit.label}`,
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
    const { nets, titles, verdicts, even } = props;
    const large = h("p", { class: "answer-text" });
    const verdict = h("p", { class: "answer-verdict" });
    const detail = h("p", { class: "answer-detail" });
    const live = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
    const thumbnails = createThumbnails(verdicts);
    const bars = createBars(even);
    const table = createTable(props);
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
    let model = chosenNow()?.net ?? nets[0];
    let chosen = 0; // the digit that is looked at
    let timer = 0; // to the words for screen readers
    const title = () => titles[model] ?? capital(titleOf(model));

    const drawDigit = () => {
        const digits = data.digits ?? [];
        const which = digits.length > 1 ? ` · Digit ${chosen + 1} of ${digits.length}` : "";
        bars.update(digits[chosen], `${title()}: probability of each digit${which}`);
        table.update(digits[chosen], model, data.milliseconds);
        thumbnails.choose(chosen);
    };
    const tell = (sentence, explanation) => {
        [verdict.textContent, detail.textContent] = [sentence, explanation];
        clearTimeout(timer);
        timer = setTimeout(() => {
            const read = data.text && !page.dataset.waiting ? `Read: ${data.text}. ` : "";
            live.textContent = read + verdict.textContent;
        }, REST);
    };
    const page = element.closest("#pages"); // its steps and maps are those of before, too
    const answered = createWaiting(element, (...words) => {
        page.dataset.waiting = "1";
        tell(...words);
    });
    show(component, (now) => {
        answered(now.asked);
        delete page.dataset.waiting;
        data = now;
        model = (data.drawn ? data.model : chosenNow()?.net) ?? model;
        const { digits = [] } = data;
        if (chosen >= digits.length) chosen = 0;
        large.textContent = data.shown || NONE;
        const longest = Math.max(...large.textContent.split("\n").map((line) => line.length));
        large.dataset.length = Math.min(SMALLEST_TEXT, longest);
        root.dataset.verdict = digits.length ? data.verdict : "none";
        tell(...inWords(data, title(), props));
        thumbnails.show(digits);
        drawDigit();
        if (data.error) say("unreadable", data.error);
        if (data.gone) say("gone", data.model);
    });
    hear(element, "digit", (i) => {
        chosen = i;
        drawDigit();
    });
    // Without a drawing there is no answer to wait for.
    hear(element, "choice", ({ net }) => {
        if (data.drawn) return;
        model = net;
        drawDigit();
    });
};
