// Why a net says this digit and not another: how much each pixel of ink supports it or counts against it.
import { roundUp, scaleOf, whenRestyled } from "./colours.js";
import { createFold, createWords, foldButton } from "./fold.js";
import { capital, number, percent, unpack } from "./format.js";
import { pixelAt } from "./places.js";
import { AGAIN, createQuestion } from "./question.js";
import { createWhenSeen } from "./seen.js";
import { h, hear } from "./shared.js";
import { createTip } from "./tip.js";
import { titleOf } from "./yours.js";

const NOTHING = "The reasons appear as soon as there is a digit.";

// How the pixels of one net add up, in sentences.
export const sumWords = ({ net, sum, difference, blank }, digit, other) => {
    const equal =
        Math.abs(sum - (difference - blank)) <= 0.01 * Math.abs(difference - blank)
            ? ", the same to within one percent"
            : "";
    const leads = (x) =>
        `${Math.abs(x).toFixed(2)} ${x < 0 ? "below" : "above"} its logit of ${other}`;
    return (
        `${capital(titleOf(net))}’s logit of ${digit} is ${leads(difference)}; without any ink it would be ${leads(blank)}. ` +
        `So the ink makes a difference of ${number(difference - blank, 2)}. All pixels add up to ${number(sum, 2)}${equal}.`
    );
};

// The place of a pixel and what it says, in words.
export const pixelWords = (value, { row, column }, digit, other) => {
    const place = `row ${row + 1}, column ${column + 1}`;
    if (value === 0) return `${place}: makes no difference`;
    return `${place}: supports ${value > 0 ? digit : other}`;
};

// The ten digits as bars; a click on one asks why it is not that one.
const createBars = (choose) => {
    const bars = Array.from({ length: 10 }, (_, digit) => {
        const fill = h("span", { class: "why-fill" });
        const button = h(
            "button",
            { type: "button", onclick: () => choose(digit) },
            h("span", { class: "why-track" }, fill),
            h("span", {}, digit),
        );
        return { button, fill };
    });
    return {
        node: h(
            "div",
            { class: "why-bars", role: "group", "aria-label": "Why not" },
            ...bars.map(({ button }) => button),
        ),
        update: ({ digit, other, probs }) =>
            bars.forEach(({ button, fill }, i) => {
                fill.style.height = `${100 * probs[i]}%`;
                button.disabled = i === digit;
                button.setAttribute("aria-pressed", String(i === other));
                button.setAttribute("aria-label", `Why not ${i}? Probability ${percent(probs[i])}`);
            }),
    };
};

const createPicture = (net, side) => {
    const canvas = h("canvas", { class: "pixels", width: side, height: side, role: "img" });
    const words = h("p", {});
    return {
        canvas,
        words,
        node: h("figure", {}, h("h3", {}, capital(titleOf(net))), canvas, words),
    };
};

export default ({ element, props, server }) => {
    const { side, nets } = props;
    const title = h("p", { class: "why-title", "aria-live": "polite" });
    const pictures = h("div", { class: "why-pictures" });
    const note = h("p", { class: "nothing" });
    const all = foldButton(
        nets.length === 5 ? "All five nets side by side" : "All nets side by side",
        () => toggleAll(),
    );
    // A visitor's own net stands before those that all share.
    const together = (net) => (nets.includes(net) ? nets : [net, ...nets]);
    let asked = {}; // {image, net, nets, digit, other}
    let found = null; // what is shown
    const bars = createBars((other) => {
        asked.other = other;
        ask();
    });
    const { node, body } = createFold(
        "why",
        "Why this digit",
        "Why this digit, and not another?",
        createWords(
            "why",
            "Red ink supports the net’s answer, blue ink supports the other digit. Choose another " +
                "digit to see why the answer is not that one. To find out, the ink is added little by " +
                "little to a blank image, and what each pixel changes on the way is summed up.",
        ),
        h("div", { class: "why-choice" }, bars.node, all),
        title,
        pictures,
        note,
    );
    const tip = createTip(element);
    element.append(node, tip.node);

    const question = createQuestion((what) => server.why(what), true);
    const whenSeen = createWhenSeen(body);
    const stop = (words) => {
        found = null;
        body.classList.add("empty");
        note.textContent = words;
    };
    const draw = () => {
        if (!found) return;
        const scale = scaleOf(element);
        const { digit, other } = found;
        const limit = roundUp(found.limit);
        body.classList.remove("empty");
        note.textContent = "";
        title.textContent = `Why ${digit}, and not ${other}?`;
        bars.update(found);
        const drawn = found.nets.map((one) => {
            const picture = createPicture(one.net, side);
            scale.paint(picture.canvas, one.pixels, 0, limit);
            const label = `${capital(titleOf(one.net))}: which ink supports ${digit} and which supports ${other}`;
            picture.canvas.setAttribute("aria-label", label);
            picture.canvas.onpointermove = (event) => {
                const box = picture.canvas.getBoundingClientRect();
                const at = pixelAt(event, box, [side, side]);
                const value = one.pixels[side * at.row + at.column];
                tip.follow(event, value, pixelWords(value, at, digit, other));
            };
            picture.canvas.onpointerleave = tip.hide;
            picture.words.textContent = sumWords(one, digit, other);
            return picture.node;
        });
        pictures.replaceChildren(...drawn);
    };
    const ask = () =>
        whenSeen(() =>
            question.ask({ ...asked }, (answer) => {
                if (!answer) {
                    note.textContent = AGAIN;
                    return;
                }
                const parsed = answer.nets.map((one) => ({ ...one, pixels: unpack(one.pixels) }));
                found = { ...answer, nets: parsed };
                draw();
            }),
        );
    const toggleAll = () => {
        const pressed = all.getAttribute("aria-pressed") === "true";
        all.setAttribute("aria-pressed", String(!pressed));
        asked.nets = pressed ? [asked.net] : together(asked.net);
        ask();
    };
    all.setAttribute("aria-pressed", "false");
    all.hidden = nets.length < 2;
    stop(NOTHING);
    // Another digit or net is looked at, or none.
    const take = (data) => {
        tip.hide();
        if (!data.rows) {
            asked = {};
            stop(NOTHING);
            return;
        }
        const net = data.stage.split(" ")[0];
        const every = data.model === "all" || all.getAttribute("aria-pressed") === "true";
        const now = { image: data.digit, net, nets: every ? together(net) : [net] };
        const same = now.image === asked.image && String(now.nets) === String(asked.nets);
        if (found && same) return; // another layer
        asked = { ...now, digit: null, other: asked.other ?? null }; // it stays while one draws
        ask();
    };
    hear(element, "looked-at", (data) => {
        if (!data.rows) question.forget();
        whenSeen(() => take(data));
    });
    whenRestyled(draw);
};
