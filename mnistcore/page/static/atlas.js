// The training digits that a net finds most like the one that is looked at, and the map of all.
import { createInk } from "./colours.js";
import { createFold, createWords } from "./fold.js";
import { article, capital, unpackBytes, unpackWhole } from "./format.js";
import { AGAIN, createQuestion } from "./question.js";
import { createWhenSeen } from "./seen.js";
import { h, hear, say } from "./shared.js";
import { createTip } from "./tip.js";
import { titleOf } from "./yours.js";

const NOTHING = "The nearest digits appear as soon as there is a digit.";
const RESOLUTION = 1120; // pixels of the map's side, twice as many as it is shown with
const DOT = 5; // of these pixels, the side of a digit
const REACH = 0.012; // of the map's side: a pointer that near to a digit is on it
const MARGIN = 0.02; // of the map's side, around all digits
const BETWEEN = 2; // of the nearest digits must have a second label for a drawing to lie between clouds
// Colours of the ten digits, on black.
const COLOURS = [
    "#8ab4f8",
    "#ffd866",
    "#ff8a80",
    "#7ee0c0",
    "#c58af9",
    "#ffab70",
    "#9ccc65",
    "#f48fb1",
    "#80deea",
    "#d7b899",
];

const counted = (count, label) =>
    count === 1 ? `1 is ${article(label)} ${label}` : `${count} are ${label}s`;

// What the labels and distances of the nearest digits tell.
export const nearestWords = ({ nearest, usual }) => {
    const counts = new Map();
    for (const { label } of nearest) counts.set(label, (counts.get(label) ?? 0) + 1);
    const most = [...counts].sort((a, b) => b[1] - a[1]);
    const which =
        most.length === 1
            ? `All ${nearest.length} are ${most[0][0]}s.`
            : `${most.map(([label, count]) => counted(count, label)).join(", ")}.`;
    const between =
        most[1]?.[1] >= BETWEEN
            ? ` The drawing lies between the ${most[0][0]}s and the ${most[1][0]}s.`
            : "";
    const far =
        nearest[0].distance > usual
            ? " Even the nearest is far away: the drawing is unlike all ten thousand."
            : "";
    return which + between + far;
};

// The index of the digit nearest to a point of the map; -1 if none is within reach. All in [0, 1].
export const digitAt = (places, x, y) => {
    let [best, least] = [-1, REACH ** 2];
    for (let i = 0; i < places.length / 2; i++) {
        const distance = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
        if (distance < least) [best, least] = [i, distance];
    }
    return best;
};

// Where the label of each digit's cloud stands: in the middle of its places.
export const middles = (places, labels) =>
    Array.from({ length: 10 }, (_, digit) => {
        const own = [...labels.keys()].filter((i) => labels[i] === digit);
        const middle = (axis) =>
            own.map((i) => places[2 * i + axis]).sort((a, b) => a - b)[own.length >> 1];
        return own.length ? [middle(0), middle(1)] : null;
    });

// From a place on the map to a share of its side.
const across = (x) => MARGIN + (1 - 2 * MARGIN) * x;

const put = (node, [x, y]) => {
    node.style.left = `${100 * across(x)}%`;
    node.style.top = `${100 * across(y)}%`;
};

// The map: all digits as dots, the nearest ones and the drawing itself above them.
const createMap = (digitUnder, choose) => {
    const canvas = h("canvas", {
        width: RESOLUTION,
        height: RESOLUTION,
        role: "img",
        "aria-label":
            "Map of ten thousand training digits; those that look alike to the net lie close together",
    });
    const labels = COLOURS.map((colour, digit) => {
        const label = h("span", { class: "atlas-label", "aria-hidden": "true" }, digit);
        label.style.backgroundColor = colour;
        return label;
    });
    const near = h("div", {});
    const own = h("span", { class: "atlas-own", hidden: true });
    let map = null; // {places, labels}
    const under = (event) => {
        if (!map) return -1;
        const box = canvas.getBoundingClientRect();
        const share = (at, side) => (at / side - MARGIN) / (1 - 2 * MARGIN);
        const x = share(event.clientX - box.left, box.width);
        return digitAt(map.places, x, share(event.clientY - box.top, box.height));
    };
    canvas.onpointermove = (event) => digitUnder(event, under(event));
    canvas.onpointerleave = (event) => digitUnder(event, -1);
    canvas.onclick = (event) => choose(under(event));
    return {
        node: h("div", { class: "atlas-map" }, canvas, ...labels, near, own),
        draw: (now) => {
            map = now;
            const context = canvas.getContext("2d");
            context.clearRect(0, 0, RESOLUTION, RESOLUTION);
            for (let i = 0; i < map.labels.length; i++) {
                context.fillStyle = COLOURS[map.labels[i]];
                const [x, y] = [map.places[2 * i], map.places[2 * i + 1]].map(
                    (at) => RESOLUTION * across(at) - DOT / 2,
                );
                context.fillRect(x, y, DOT, DOT);
            }
            middles(map.places, map.labels).forEach((middle, digit) => {
                labels[digit].hidden = !middle;
                if (middle) put(labels[digit], middle);
            });
        },
        mark: (found) => {
            own.hidden = !found;
            const marks = (found?.nearest ?? []).map(({ index }) => {
                const mark = h("span", { class: "atlas-near" });
                put(mark, [map.places[2 * index], map.places[2 * index + 1]]);
                return mark;
            });
            near.replaceChildren(...marks);
            if (found) put(own, found.place);
        },
    };
};

export default ({ element, props, server }) => {
    const { side } = props;
    const paint = (image) => createInk(image, side);
    const putOnCanvas = ({ image }) => say("put", paint(image).toDataURL());
    const tip = createTip(element);
    const who = h("span", {}, "The net");
    const words = h("p", { class: "atlas-words", "aria-live": "polite" });
    const nearest = h("div", { class: "atlas-nearest" });
    const note = h("p", { class: "nothing" });
    let asked = {}; // {net, image}
    let net = ""; // whose map is drawn
    let hovered = null; // {index, image, label}, the digit under the pointer

    const hover = createQuestion((what) => server.training_digit(what));
    const map = createMap(
        (event, index) => {
            tip.hide();
            if (index < 0) {
                hovered = null;
                hover.forget();
                return;
            }
            const { clientX, clientY } = event;
            const tell = (digit) => {
                hovered = digit;
                if (digit)
                    tip.show(
                        clientX + 14,
                        clientY + 18,
                        paint(digit.image),
                        h("span", {}, digit.label),
                    );
            };
            if (hovered?.index === index) tell(hovered);
            else hover.ask({ net, index }, tell);
        },
        async (index) => {
            if (index < 0) return;
            const digit =
                hovered?.index === index
                    ? hovered
                    : await server.training_digit({ net, index }).catch(() => null);
            note.textContent = digit ? "" : "The server is busy. Please click again.";
            if (digit) putOnCanvas(digit);
        },
    );
    const { node, body } = createFold(
        "atlas",
        "Digits it resembles",
        "Which digits does it resemble?",
        createWords(
            "atlas",
            who,
            " was trained on MNIST’s handwritten digits, among other images. These are the nearest of ten " +
                "thousand of them: the numbers in its last hidden layer, from which it computes its answer, " +
                "are closest to your digit’s. On the map each dot is one of the ten thousand, and the ring is your " +
                "digit. Point at a dot to see its digit; click it to put the digit on the canvas.",
        ),
        words,
        h("div", { class: "atlas-work" }, nearest, map.node),
        note,
    );
    element.append(node, tip.node);
    const whenSeen = createWhenSeen(body);
    const stop = (reason) => {
        body.classList.add("empty");
        note.textContent = reason;
        words.textContent = "";
        map.mark(null);
    };
    const draw = (found) => {
        body.classList.remove("empty");
        note.textContent = "";
        words.textContent = nearestWords(found);
        nearest.replaceChildren(
            ...found.nearest.map((digit) => {
                const distance = digit.distance.toFixed(1);
                const label = `${capital(article(digit.label))} ${digit.label}, distance ${distance}: put it on the canvas`;
                return h(
                    "button",
                    { type: "button", "aria-label": label, onclick: () => putOnCanvas(digit) },
                    paint(digit.image),
                    h("b", {}, digit.label),
                    h("span", {}, `distance ${distance}`),
                );
            }),
        );
        map.mark(found);
    };
    const maps = createQuestion((what) => server.atlas(what), true);
    const neighbours = createQuestion((what) => server.nearest(what), true);
    const askNeighbours = () =>
        neighbours.ask({ ...asked }, (found, { net: of }) => {
            if (of !== asked.net) return; // another map is drawn soon
            if (found) draw(found);
            else note.textContent = AGAIN;
        });
    const ask = () => {
        if (asked.net === net) {
            askNeighbours();
            return;
        }
        maps.ask({ net: asked.net }, (answer, question) => {
            if (!answer || answer.error) {
                stop(answer ? capital(answer.error) : AGAIN);
                return;
            }
            net = question.net;
            who.textContent = capital(titleOf(net));
            const places = Float32Array.from(unpackWhole(answer.places), (x) => x / answer.extent);
            map.draw({ places, labels: unpackBytes(answer.labels) });
            if (net === asked.net) askNeighbours();
        });
    };
    stop(NOTHING);
    hear(element, "looked-at", (data) => {
        if (!data.rows) {
            neighbours.forget();
            maps.forget();
        }
        whenSeen(() => {
            tip.hide();
            if (!data.rows) {
                asked = {};
                stop(NOTHING);
                return;
            }
            const now = { net: data.stage.split(" ")[0], image: data.digit };
            if (now.net === asked.net && now.image === asked.image) return; // another layer
            asked = now;
            ask();
        });
    });
};
