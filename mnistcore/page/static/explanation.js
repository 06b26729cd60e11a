// The arithmetic of the pixel that was picked, and its marks on the input and the maps.
import { arithmetic } from "./arithmetic.js";
import { capital, number } from "./format.js";
import { placeName } from "./places.js";
import { BUSY, createQuestion } from "./question.js";
import { h, say } from "./shared.js";

// Writes to `panel`, and for screen readers to `live`.
export const createExplanation = (server, panel, live, side, grid, zoom) => {
    const question = createQuestion((asked) => server.arithmetic(asked));
    let picked = null; // {name, channel, row, column}
    let data = {}; // of the maps that are shown
    let scale = null;

    const note = (words, attributes = {}) =>
        panel.replaceChildren(h("p", { class: "nothing", ...attributes }, words));
    const isThere = ({ name, channel, row, column }) => {
        const shape = grid.shapeOf(name);
        return shape && [channel, row, column].every((at, i) => at < shape[i]);
    };
    // Explains the picked pixel, then calls `done`.
    const explain = (done) => {
        const place = picked;
        const use = (found) => {
            if (!found) {
                note(BUSY, { role: "alert" });
                return;
            }
            panel.replaceChildren(
                ...arithmetic(found, place, data, scale, (there) => say("walk", there)),
            );
            side.mark(found.field);
            grid.mark(found);
            zoom.mark(found);
            done?.();
        };
        const asked = { digit: data.digit, stage: data.stage, ...place };
        question.ask(asked, use, () => note("Waiting for the server…"));
    };
    const forget = (words) => {
        question.forget();
        picked = null;
        side.hideMark();
        grid.hideMarks();
        zoom.hideMarks();
        note(words);
    };
    return {
        picked: () => picked,
        forget,
        pick: (place) => {
            picked = place;
            explain(() => {
                live.textContent = `${capital(placeName(place))}: ${number(grid.valueAt(place), 4)}`;
            });
        },
        // Other numbers are shown. A picked pixel stays if these maps have it.
        update: (newData, newScale, hint) => {
            data = newData;
            scale = newScale;
            if (picked && isThere(picked)) explain();
            else forget(hint);
        },
    };
};
