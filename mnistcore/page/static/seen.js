// What nobody sees is not computed: not what is folded or scrolled away, nor what is in another tab.

// Calls `act` when `node` is in sight: at once, or as soon as it comes into sight again. Of several
// calls while it is out of sight, only the last one counts.
export const createWhenSeen = (node) => {
    let seen = false;
    let wanted = null;
    new IntersectionObserver((entries) => {
        seen = entries.at(-1).isIntersecting;
        if (seen) run();
    }).observe(node);
    const run = () => {
        const act = wanted;
        wanted = null;
        act?.();
    };
    return (act) => {
        wanted = act;
        if (seen) run();
    };
};
