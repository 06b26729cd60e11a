// Questions to the server, of which only the newest counts.

// Asks the server, and passes on its answer (undefined if that failed) unless a newer question has
// been asked since.
export const createQuestion = (ask) => {
    let latest = 0;
    return {
        ask: async (question, use) => {
            const mine = ++latest;
            const answer = await ask(question);
            if (mine === latest) use(answer);
        },
        forget: () => {
            latest += 1;
        },
    };
};
