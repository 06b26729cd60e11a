// What is said while the server has not answered.
import { hear } from "./shared.js";

const SOON = 300; // milliseconds: a shorter wait is not worth a word
const LATE = 3000; // milliseconds: a server that takes longer has stopped, or cannot be reached

const READING = ["Reading…", ""];
const LOST = [
    "The server does not answer.",
    "Your drawing is kept, and read as soon as the server is back.",
];

// Calls `tell` with a sentence and what explains it. The questions are numbered; gives a function to
// be called with the number of the one that has been answered, undefined for all.
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
    hear(element, "asked", (number) => {
        latest = number;
        if (!timers.length) start();
    });
    return (number = latest) => {
        stop();
        if (number < latest) start();
    };
};
