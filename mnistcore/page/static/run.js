// A training on the server, from its start to its end: what is known of it, and what it is told.
import { lookedAt } from "./maps.js";
import { keep, kept } from "./memory.js";

const AT_WORK = ["waiting", "starting", "training", "paused", "testing"];
const EVERY = 200; // milliseconds between two questions about a training
const TRIES = 50; // questions in a row that may fail: the server waits for ten seconds

const wait = () => new Promise((resolve) => setTimeout(resolve, EVERY));

const GONE = {
    net: "This net is no longer on the server.",
    file: "The upload was lost because the server lost contact with this page. Please upload it again.",
    training: "The training was stopped because the server lost contact with this page.",
};

const LOST = "The server is not responding. Please reload the page.";

export const isAtWork = (run) => AT_WORK.includes(run?.state);

// Where a run is, in words. `place` is that in the line, `file` what was uploaded instead of trained,
// `mostPaused` in seconds.
export const stateWords = ({ state, place, end, file, isYours, offered, lost }, mostPaused) => {
    const ends = {
        uploaded: `Uploaded: ${file}.`,
        finished: "Finished.",
        stopped: "Stopped.",
        "time is up": "Time is up.",
        diverged: "The training diverged: loss or weights are no longer finite.",
    };
    return {
        waiting: `Waiting: number ${place} in line.`,
        starting: "Getting ready: a few seconds.",
        training: "Training.",
        paused: `Paused, for ${mostPaused} s at most.`,
        testing: "Reading the test set.",
        ended: ends[end?.ended] ?? ends.stopped,
        failed: file
            ? `No threshold could be chosen for ${file}. Please upload it again.`
            : "The training ended unexpectedly. Please start it again.",
        gone: lost
            ? LOST
            : GONE[end?.val_n || isYours || offered ? "net" : file ? "file" : "training"],
    }[state];
};

// What was kept; null if it cannot be read.
const parsed = (text) => {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
};

// Follows one run at a time, also one from before the page was reloaded, which is kept by `name`. `draw`
// gets it whenever something about it is new: its token, state, place and end, the points of its
// curves, its images by index, and the newest of what is told once.
export const createFollower = (name, server, draw) => {
    let run = null;
    let known = null; // what the page knows of it, and the server does not
    let command = null; // what the server is told next
    const take = (mine, { points, images, newest, ...rest }) => {
        Object.assign(mine, rest);
        mine.points.push(...points);
        for (const { index, bytes } of images) mine.images.set(index, bytes);
        Object.assign(mine.newest, newest);
        draw(mine);
    };
    // As long as this question is open, the server knows that somebody is there.
    const stay = async (mine) => {
        while (mine === run && isAtWork(mine)) {
            await server.stay({ token: mine.token }).catch(() => {});
            await wait();
        }
    };
    const ask = async (mine) => {
        let failed = 0;
        while (mine === run && isAtWork(mine)) {
            const told = command;
            const digit = lookedAt();
            const drawn = digit && digit !== mine.drawn ? digit : null;
            const seen = [mine.points.length, mine.images.size];
            const question = { token: mine.token, seen, command: told, digit: drawn };
            let answer = await server.status(question).catch(() => null);
            failed = answer ? 0 : failed + 1;
            if (failed === TRIES) answer = { state: "gone", lost: true };
            if (answer && mine === run) {
                if (command === told) command = null;
                if (drawn) mine.drawn = drawn;
                take(mine, { points: [], images: [], newest: {}, ...answer });
            }
            await wait();
        }
    };
    const note = (more) => {
        known = { ...known, ...more };
        keep(name, JSON.stringify(known));
        Object.assign(run, more);
    };
    const attend = () => {
        draw(run);
        stay(run);
        ask(run);
    };
    const fresh = () => ({ state: "starting", points: [], images: new Map(), newest: {} });
    const begin = (details) => {
        run = fresh();
        known = {};
        command = null;
        note(details);
        attend();
    };
    const resume = async (details) => {
        const question = { token: details.token, seen: [0, 0], command: null, digit: null };
        for (let failed = 0; failed < TRIES && !run; failed++) {
            const answer = await server.status(question).catch(() => null);
            if (answer && run) return; // another has begun meanwhile
            if (answer?.state === "gone") {
                forget();
                run = { ...fresh(), ...details, ...answer };
                draw(run);
            } else if (answer) begin(details);
            await wait();
        }
    };
    const forget = () => keep(name, "");
    const before = parsed(kept(name));
    if (before) resume(before);
    return {
        // Follows a run in place of the one before: its token, and what else is to be known of it.
        begin,
        // Adds to what is known of it.
        note,
        // It is not followed any more after a reload.
        forget,
        // Tells the server "stop", for instance, or to "test" what has ended.
        tell: (word) => {
            command = word;
            if (isAtWork(run)) return;
            run.state = "testing";
            attend();
        },
    };
};
