// What would change the answer: the digit is turned, thickened or moved, or single pixels are drawn,
// while the answer, the maps and the reasons follow.
import { scaleOf, whenRestyled } from "./colours.js";
import { createFold, createWords, foldButton } from "./fold.js";
import { capital, percent, unpack } from "./format.js";
import { createPixels } from "./pixels.js";
import { AGAIN, BUSY, createQuestion } from "./question.js";
import { createWhenSeen } from "./seen.js";
import { h, hear, say } from "./shared.js";
import { createSlider } from "./slider.js";
import { titleOf } from "./yours.js";

const NOTHING = "The digit can be changed as soon as there is one.";
const LIKELIEST = 3; // digits of the answer that are named

// Numbers as the server reads them: base64 of float32, little-endian.
export const pack = (numbers) => {
    const bytes = new Uint8Array(new Float32Array(numbers).buffer);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
};

// A change of ink, as a share of full ink.
const share = (x) => `${(100 * x).toFixed(1)} %`;

export default ({ element, props, server }) => {
    const { side, changes } = props;
    let base = null; // packed, the digit before the sliders
    let net = "";
    let shown = null; // packed, what is shown and read
    let original = null; // packed, what was drawn or uploaded
    let changed = null; // {pixels, largest}: what the search has changed
    const note = h("p", { class: "nothing" });
    const answer = h("p", { class: "change-answer", "aria-live": "polite" });
    const flipped = h("p", { class: "change-flipped", "aria-live": "polite" });
    const difference = h("canvas", {
        class: "pixels",
        width: side,
        height: side,
        role: "img",
        "aria-label": "The pixels that were changed",
        hidden: true,
    });
    const pixels = createPixels(side, (ink) => rebase(pack(ink)));
    const sliders = Object.entries(changes).map(([name, one]) =>
        createSlider(
            name,
            one,
            () => {
                clearFlip();
                ask();
            },
            () => askCurves(),
        ),
    );
    const work = h(
        "div",
        { class: "change-work" },
        h("div", {}, pixels.node, answer),
        h("div", { class: "change-sliders" }, ...sliders.map((slider) => slider.node)),
        h(
            "div",
            { class: "change-fool" },
            foldButton("Find the smallest change in the ink that gives another answer", () =>
                flip(),
            ),
            foldButton("Undo all changes", () => rebase(original)),
            flipped,
            difference,
        ),
    );
    const { node, body } = createFold(
        "change",
        "What would change the answer",
        "What would change the answer?",
        createWords(
            "change",
            "Move a slider: the answer, the maps and the reasons follow. The curve behind a slider is the probability " +
                "of the original answer over the slider’s range; the words say where it changes. Pixels can be " +
                "drawn and erased one by one.",
        ),
        work,
        note,
    );
    element.append(node);
    const whenSeen = createWhenSeen(body);
    const question = createQuestion((what) => server.change(what), true);
    const curvesQuestion = createQuestion((what) => server.curves(what), true);
    const flipQuestion = createQuestion((what) => server.flip(what));

    const stop = (words) => {
        base = original = shown = null;
        question.forget();
        curvesQuestion.forget();
        clearFlip();
        note.textContent = words;
        work.hidden = true;
    };
    const asked = () => {
        const amounts = sliders.map((slider) => [slider.name, slider.amount()]);
        return { image: base, net, amounts: Object.fromEntries(amounts) };
    };
    const use = (found, what) => {
        note.textContent = found ? "" : AGAIN;
        if (!found || what.image !== base) return; // another digit has been drawn
        const follows = shown !== found.image;
        shown = found.image;
        pixels.show(unpack(found.image));
        const order = found.probs.map((p, digit) => [p, digit]).sort(([a], [b]) => b - a);
        const likeliest = order.slice(0, LIKELIEST).map(([p, digit]) => `${digit}: ${percent(p)}`);
        answer.replaceChildren(
            h("small", {}, `${capital(titleOf(what.net))} says `),
            likeliest.join(", "),
        );
        work.hidden = false;
        if (follows) say("look-at", shown);
    };
    const ask = () => question.ask(asked(), use);
    const askCurves = () =>
        curvesQuestion.ask(asked(), (found) => {
            for (const slider of sliders) if (found) slider.draw(unpack(found[slider.name]));
        });
    const clearFlip = () => {
        flipQuestion.forget();
        flipped.textContent = "";
        changed = null;
        paint();
    };
    // The pixels that the search has changed.
    const paint = () => {
        difference.hidden = !changed;
        if (changed) scaleOf(element).paint(difference, changed.pixels, 0, changed.largest);
    };
    const rebase = (image) => {
        base = image;
        clearFlip();
        for (const slider of sliders) {
            slider.reset();
            slider.clear();
        }
        ask();
        askCurves();
    };
    const flip = () => {
        const from = { image: shown, net };
        flipQuestion.ask(from, (found) => {
            if (!found?.image) {
                flipped.textContent = found
                    ? `No small change in the ink was found that makes ${titleOf(from.net)} say another digit.`
                    : BUSY;
                return;
            }
            rebase(found.image);
            flipped.textContent =
                `${capital(titleOf(from.net))} now says ${found.after} instead of ${found.before}. On average, the ink of a pixel changed by ` +
                `${share(found.mean)} of full ink, and nowhere by more than ${share(found.largest)}; the picture shows ` +
                "where. We hardly see it, but a net adds up all pixels at once, and many small changes that all push " +
                "the same way add up to a lot.";
            const [before, after] = [from.image, found.image].map(unpack);
            changed = { pixels: after.map((x, i) => x - before[i]), largest: found.largest };
            paint();
        });
    };
    const take = (data) => {
        if (!data.rows) {
            stop(NOTHING);
            return;
        }
        const now = data.stage.split(" ")[0];
        // What has been changed here comes back, and late where the server is slow.
        if (!data.byHand && data.digit !== shown) {
            net = now;
            original = shown = data.digit;
            rebase(original);
        } else if (now !== net) {
            net = now;
            clearFlip();
            ask();
            askCurves();
        }
    };
    stop(NOTHING);
    hear(element, "looked-at", (data) => whenSeen(() => take(data)));
    whenRestyled(paint);
};
