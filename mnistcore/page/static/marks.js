// Outlines over a map: of the pixel that is explained and of the window of its maximum, in which a
// dot marks the greatest number.
import { pixelIn, windowIn, winnerOf } from "./places.js";
import { h } from "./shared.js";

// Puts a mark over a part of a picture; all in the picture's pixels.
export const placeMark = (mark, [top, left, bottom, right], [height, width]) => {
    mark.hidden = false;
    mark.style.top = `${(100 * top) / height}%`;
    mark.style.left = `${(100 * left) / width}%`;
    mark.style.height = `${(100 * (bottom - top)) / height}%`;
    mark.style.width = `${(100 * (right - left)) / width}%`;
};

const onePixel = ([row, column]) => [row, column, row + 1, column + 1];

export const createMarks = () => {
    const [pixel, window, winner] = ["map-mark", "window-mark", "winner-mark"].map((name) =>
        h("span", { class: name, hidden: true }),
    );
    const nodes = [window, pixel, winner];
    const hide = () => {
        for (const node of nodes) node.hidden = true;
    };
    return {
        hide,
        // Marks what the server found on a map of that name; `around` holds the map's canvas.
        show: (around, name, found, size) => {
            hide();
            around.append(...nodes);
            placeMark(pixel, onePixel(pixelIn(name, found)), size);
            const box = windowIn(name, found);
            if (box === null) return;
            placeMark(window, box, size);
            const best = winnerOf(found);
            if (best !== null)
                placeMark(winner, onePixel([box[0] + (best >> 1), box[1] + (best & 1)]), size);
        },
        // Marks a whole picture.
        showWhole: (around) => {
            hide();
            around.append(pixel);
            placeMark(pixel, [0, 0, 1, 1], [1, 1]);
        },
    };
};
