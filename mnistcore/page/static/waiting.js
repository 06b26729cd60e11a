// What is said while the server has not answered.
import { hear } from "./shared.js";

export const SOON = 300; // milliseconds: a shorter wait is not worth a word
const LATE = 3000; // milliseconds: a server that takes longer is busy, stopped or out of reach

const READING = ["Reading…", ""];
const LOST = [
    "The server is not responding.",
    "The page keeps trying, and reads a drawing as soon as the server is back.",
];

// Waiting begins when something is sent to be read, which Gradio may hold back until it has the answer
// to the question before. Calls `tell` with a sentence and an explanation. Returns a function to call with the number of the
// question that was answered, or with nothing for all.
export const createWaiting = (element, tell) => {
    let latest = 0; // number of the newest question
    let timers = [];

    const stop = () => {
        timers.forEach(clearTimeout);
        timers = [];
    };
    const start = () => {
        timers = [setTimeout(tell, SOON, ...READING), setTimeout(tell, LATE, ...LOST)];
    };
    const begin = () => {
        if (!timers.length) start();
    };
    hear(element, "sent", begin);
    hear(element, "asked", (number) => {
        latest = number;
        begin();
    });
    return (number = latest) => {
        stop();
        if (number < latest) start();
    };
};
