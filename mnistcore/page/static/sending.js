// When the drawing goes to the server: at once when a stroke ends, at most every TICK while the pen
// moves, less often to a server that is slow to answer, and again where it was refused.
import { hear, say, sayEmptied } from "./shared.js";

const TICK = 100; // milliseconds
const RETRY = 1000; // milliseconds before the first retry; each later one waits that much longer
const LONGEST_RETRY = 5000; // milliseconds

// The pause before the next picture of a stroke that goes on, all in milliseconds: a server that
// takes longer than two ticks gets twice the time it took.
export const pauseAfter = (took) => (took > 2 * TICK ? 2 * took : 0);

// Sends "<number> <data URL>" as the component's value, or "<number> " of an empty drawing.
export const createSender = ({ element, props, trigger }, drawing) => {
    let sent = 0; // number of the drawing sent last
    let own = null; // the value that came from here, not from Python
    let sentAt = 0;
    let waiting = false; // for the answer to it
    let pause = 0;
    let timer = 0; // of the next picture
    let failures = 0; // in a row
    let retry = 0; // timer of the next try

    const send = (event = "input") => {
        clearTimeout(timer);
        clearTimeout(retry);
        timer = 0;
        sentAt = performance.now();
        waiting = true;
        failures = 0;
        sent += 1;
        own = `${sent} ${drawing.isEmpty ? "" : drawing.toURL()}`;
        props.value = own;
        drawing.canvas.dataset.sent = sent;
        if (drawing.isEmpty) sayEmptied(sent);
        else say("sent", sent);
        if (!drawing.isEmpty || event !== "input") trigger(event);
    };
    hear(element, "answered", (number) => {
        failures = 0;
        // Older drawings, and later views of this one, say nothing of the time.
        if (number !== sent || !waiting) return;
        waiting = false;
        pause = pauseAfter(performance.now() - sentAt);
    });
    // Refused, as by a full queue: ask again, about the drawing or the picture, whichever is open.
    hear(element, "failed", () => {
        failures += 1;
        clearTimeout(retry);
        retry = setTimeout(() => trigger("retry"), Math.min(RETRY * failures, LONGEST_RETRY));
    });
    return {
        send,
        sendSoon: () => {
            timer ||= setTimeout(send, Math.max(pause, sentAt + TICK - performance.now()));
        },
        isOwn: (value) => value === own,
    };
};
