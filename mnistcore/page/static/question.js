// Questions to the server: one at a time, and of those that wait only the newest.
import { SOON } from "./waiting.js";

const RETRY = 2000; // milliseconds after which a question that failed is asked again
const TRIES = 5; // times that it is asked
const PATIENCE = 10_000; // milliseconds after which a question without an answer has failed

// What a promise resolves to; undefined if it rejects, or takes longer than PATIENCE.
const inTime = (promise) =>
    new Promise((resolve) => {
        const timer = setTimeout(resolve, PATIENCE);
        const end = (answer) => {
            clearTimeout(timer);
            resolve(answer);
        };
        promise.then(end, () => end());
    });

export const BUSY = "The server is busy. Please try again.";
export const AGAIN = "The server is busy. The page will try again.";

// Asks the server, and passes on its answer (undefined if that failed) unless a newer question has
// been asked since. If the answers `follow` what somebody drags, all are passed on, and a question that
// failed is asked again.
export const createQuestion = (ask, follow = false) => {
    let latest = 0; // number of the newest question
    let forgotten = 0; // number of the newest question that is no longer wanted
    let asking = false;
    let waiting = null; // the question to ask next
    const run = async (job, tries = 1) => {
        const { question, use, late, mine } = job;
        asking = true;
        waiting = null;
        const timer = setTimeout(() => mine === latest && late(), SOON);
        const answer = await inTime(ask(question));
        clearTimeout(timer);
        asking = false;
        if (waiting) run(waiting);
        else if (follow && !answer && mine === latest && tries < TRIES)
            setTimeout(() => !asking && mine === latest && run(job, tries + 1), RETRY);
        if (mine === latest || (follow && mine > forgotten && answer)) use(answer, question);
    };
    return {
        ask: (question, use, late = () => {}) => {
            const job = { question, use, late, mine: ++latest };
            if (asking) waiting = job;
            else run(job);
        },
        forget: () => {
            latest += 1;
            forgotten = latest;
            waiting = null;
        },
    };
};
