// The maps of one stage of a net, every number in its colour, and the arithmetic behind each.
import { roundUp, scaleOf, whenRestyled } from "./colours.js";
import { createExplanation } from "./explanation.js";
import { unpack, unpackShort } from "./format.js";
import { createGrid, KERNELS } from "./grid.js";
import { listenForPicks } from "./picking.js";
import { placeName } from "./places.js";
import { AGAIN, createQuestion } from "./question.js";
import { h, hear, say, show } from "./shared.js";
import { createSide } from "./side.js";
import { createTip } from "./tip.js";
import { createZoom, enlargesFirst } from "./zoom.js";

const CLICK =
    "Click a pixel of a map to see the arithmetic behind it. " +
    "On the keyboard, arrows go from pixel to pixel, Page Up and Page Down from map to map.";
const ENLARGE = "Choose a map to enlarge it, then a pixel to see the arithmetic behind it.";
const CHOOSE = "Choose a pixel to see the arithmetic behind it.";

// A digit's maps as the server sent them -> with their numbers unpacked, and round limits.
const parse = (data) => {
    if (!data.rows) return data;
    const [limit, kernelLimit] = [roundUp(data.limit), roundUp(data.kernel_limit)];
    const rows = data.rows.map((row) => ({
        ...row,
        numbers: unpackShort(row.numbers, data.limit),
        limit,
    }));
    if (data.stride > 1)
        rows[0].more = ` · stride ${data.stride}: the kernel moves ${data.stride} pixels at a time, so the maps are smaller`;
    if (data.kernels)
        rows.unshift({
            name: KERNELS,
            shape: [data.rows[0].shape[0], data.kernel, data.kernel],
            numbers: unpack(data.kernels),
            limit: kernelLimit,
            dead: [],
            note: `${data.kernel}×${data.kernel}, on a scale of ±${kernelLimit}`,
        });
    const [ink, input] = [unpack(data.digit), unpack(data.input)];
    return { ...data, rows, ink, input, limit, kernelLimit };
};

// The number under a pointer on the maps and the words for its place; null where there is none.
const describeMap = (event, grid) => {
    const place = grid.placeAt(event);
    const value = place && grid.valueAt(place);
    if (value == null) return null;
    return { value, words: placeName(place, place.name === KERNELS ? "kernel" : "map") };
};

const showTips = (root, tip, describe, side) => {
    root.addEventListener("pointermove", (event) => {
        if (side.isHelp(event.target)) return;
        const found = describe(event);
        tip.hide();
        if (!found) return;
        tip.follow(event, found.value, found.words);
    });
    root.addEventListener("pointerleave", tip.hide);
};

// The section of the maps, without numbers: `draw` shows those of `data`.
const createMaps = ({ element, props, server }) => {
    const live = h("p", { class: "unseen", role: "status" });
    const panel = h("div", { class: "arithmetic" });
    const tip = createTip(element);
    const side = createSide(props, tip, live);
    const grid = createGrid();
    const root = h("section", { class: "maps", "aria-label": "Maps" }, side.node, grid.node);
    root.append(panel, live);
    element.append(root, tip.node);

    const hint = () => (enlargesFirst() ? ENLARGE : CLICK);
    // The pixel that was picked in another map of the same row is picked in this one, too.
    const enlarge = ({ name, channel }) => {
        tip.hide();
        zoom.show({ name, channel });
        const last = explanation.picked();
        if (last?.name !== name) explanation.forget(CHOOSE);
        else if (last.channel !== channel) explanation.pick({ ...last, channel });
    };
    const afterwards = () => {
        if (!explanation.picked()) explanation.forget(hint());
    };
    const zoom = createZoom(root, grid, [panel, live], { enlarge, afterwards });
    const explanation = createExplanation(server, panel, live, side, grid, zoom);

    showTips(root, tip, (event) => side.describe(event, data) ?? describeMap(event, grid), side);
    listenForPicks(root, grid, zoom, explanation.picked, { pick: explanation.pick, enlarge });

    let data = {};
    const update = (newData) => {
        data = newData;
        tip.hide();
        if (!data.rows) {
            zoom.close();
            side.blank();
            grid.blank();
            explanation.forget(data.busy ? AGAIN : "");
            return;
        }
        const scale = scaleOf(root);
        side.draw(data, scale);
        grid.draw(data.rows, scale);
        zoom.redraw();
        explanation.update(data, scale, zoom.shown() ? CHOOSE : hint());
    };
    return {
        update,
        has: (place) => grid.valueAt(place) !== undefined,
        pick: (place) => {
            if (zoom.shown() || enlargesFirst()) zoom.show(place);
            else grid.focus(place);
            explanation.pick(place);
        },
        showInput: (place) => {
            zoom.close();
            const { node, value, words } = side.point(place, data);
            const box = node.getBoundingClientRect();
            tip.tell(box.right, box.bottom, value, words);
            live.textContent = `Input, ${words}`;
        },
    };
};

let newest = "";

// The digit that is looked at, packed; "" if there is none. For what is loaded after it was drawn.
export const lookedAt = () => newest;

export default (component) => {
    const maps = createMaps(component);
    const question = createQuestion((asked) => component.server.look(asked), true);
    let given = {}; // the component's newest value
    let data = {}; // what is shown of it, parsed
    let chosen = 0; // the digit that is looked at
    let wanted = null; // the pixel to pick as soon as its maps are shown
    let byHand = null; // the digit, if it has been changed by hand

    const take = (now) => {
        data = parse(now);
        maps.update(data);
        newest = now.digit ?? "";
        say("looked-at", now);
        if (wanted && maps.has(wanted)) maps.pick(wanted);
        wanted = null;
    };
    const look = (i) => {
        const now = given;
        if (!now.digits?.[i]) return;
        chosen = i;
        byHand = null;
        const digit = now.digits[i];
        question.ask({ digit, stage: now.stage }, (found) =>
            take(found ? { ...now, ...found, digit } : { busy: true }),
        );
    };
    // The digit has been changed by hand.
    const lookAt = (digit) => {
        byHand = digit;
        question.ask({ digit, stage: given.stage }, (found) =>
            take(found ? { ...given, ...found, digit, byHand: true } : { busy: true }),
        );
    };
    show(component, (now) => {
        const same = now.digits && now.digits[chosen] === given.digits?.[chosen];
        given = now;
        if (same && byHand) {
            lookAt(byHand); // another layer or net
            return;
        }
        byHand = null;
        if (chosen && now.digits?.[chosen]) {
            look(chosen);
            return;
        }
        question.forget();
        chosen = 0;
        take({ ...now, digit: now.digits?.[0] });
    });
    hear(component.element, "digit", look);
    hear(component.element, "look-at", lookAt);
    // Back to where a product comes from.
    hear(component.element, "walk", (place) => {
        if (!place.name) maps.showInput(place);
        else if (maps.has(place)) maps.pick(place);
        else {
            wanted = place;
            say("layer", place.name.split("+")[0]);
        }
    });
    whenRestyled(() => maps.update(data));
};
