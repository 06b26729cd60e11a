// Questions to the server, of which only the newest counts.
import { SOON } from "./waiting.js";

// Asks the server, and passes on its answer (undefined if that failed) unless a newer question has
// been asked since.
export const createQuestion = (ask) => {
    let latest = 0;
    return {
        ask: async (question, use, late = () => {}) => {
            const mine = ++latest;
            const timer = setTimeout(() => mine === latest && late(), SOON);
            const answer = await ask(question);
            clearTimeout(timer);
            if (mine === latest) use(answer);
        },
        forget: () => {
            latest += 1;
        },
    };
};
