// One map, enlarged in a dialog with the arithmetic of its pixels: in its row, a pixel is too small
// for a finger, and on a phone the arithmetic is out of sight.
import { createMarks } from "./marks.js";
import { h } from "./shared.js";

const NARROW = "(max-width: 640px)"; // as in page.css: the arithmetic does not fit beside the maps

// Whether a map is enlarged before one of its pixels is picked: by a finger, and on a narrow screen.
export const enlargesFirst = (byTouch = matchMedia("(pointer: coarse)").matches) =>
    byTouch || matchMedia(NARROW).matches;

// The enlarged picture of a map of `grid`, with its marks.
const createPicture = (grid) => {
    const canvas = h("canvas", { class: "pixels", role: "img", tabindex: 0, autofocus: true });
    const node = h("div", { class: "map" }, canvas);
    const marks = createMarks();
    return {
        node,
        // Returns the map's name.
        paint: (place) => {
            const source = grid.canvasOf(place);
            const label = source.getAttribute("aria-label");
            canvas.width = source.width;
            canvas.height = source.height;
            canvas.getContext("2d").drawImage(source, 0, 0);
            canvas.setAttribute("aria-label", label);
            Object.assign(canvas.dataset, source.dataset);
            return label;
        },
        // Marks what the server found, if it is of this map.
        mark: (found, place) => {
            if (found && found.channel === place?.channel)
                marks.show(node, place.name, found, [canvas.height, canvas.width]);
            else marks.hide();
        },
    };
};

const button = (label, sign, onclick) => h("button", { "aria-label": label, onclick }, sign);

// The dialog for the maps of `grid` within `root`. While it is open, it holds `parts`, which are the
// last children of `root`. Calls `enlarge` with {name, channel} when another map is chosen, and
// `afterwards` when it has been closed.
export const createZoom = (root, grid, parts, { enlarge, afterwards }) => {
    let shown = null; // {name, channel}
    let found = null; // what the server sent for the pixel that is marked
    const picture = createPicture(grid);
    const title = h("h3", { id: "zoom-title" });
    const panelName = { role: "region", "aria-label": "Arithmetic", tabindex: 0 };
    const panel = h("div", { class: "zoom-panel", ...panelName });
    // The last map is followed by the first.
    const turn = (by) => {
        const { name, channel } = shown;
        const [count] = grid.shapeOf(name);
        enlarge({ name, channel: (channel + by + count) % count });
    };
    const head = h(
        "div",
        { class: "zoom-head" },
        button("Previous map", "‹", () => turn(-1)),
        title,
        button("Next map", "›", () => turn(1)),
        button("Close", "×", () => dialog.close()),
    );
    const attributes = { class: "zoom", "aria-labelledby": title.id, closedby: "any" };
    const dialog = h("dialog", attributes, head, picture.node, panel);
    dialog.addEventListener("close", () => {
        if (dialog.open) return; // it has been opened again before this event came
        dialog.remove();
        root.append(...parts);
        grid.focus(shown);
        grid.canvasOf(shown).scrollIntoView({ block: "nearest" }); // what stands above it has grown
        shown = null;
        afterwards();
    });

    const mark = (newFound) => {
        found = newFound;
        picture.mark(found, shown);
    };
    const paint = () => {
        title.textContent = `${picture.paint(shown)} of ${grid.shapeOf(shown.name)[0]}`;
        mark(found);
    };
    return {
        shown: () => shown,
        mark,
        hideMarks: () => mark(null),
        close: () => dialog.close(),
        // Opens the dialog if it is closed.
        show: ({ name, channel }) => {
            shown = { name, channel };
            paint();
            if (dialog.open) return;
            root.append(dialog);
            panel.append(...parts);
            dialog.showModal();
        },
        // After the maps were painted again.
        redraw: () => {
            if (shown && shown.channel < (grid.shapeOf(shown.name)?.[0] ?? 0)) paint();
            else dialog.close();
        },
    };
};
