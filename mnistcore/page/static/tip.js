// A small box of words near the pointer.
import { h } from "./shared.js";

export const createTip = (around) => {
    const node = h("div", { class: "tip", hidden: true });
    return {
        node,
        // At a point of the window, but not beyond the right edge of `around`.
        show: (x, y, ...nodes) => {
            node.hidden = false;
            node.replaceChildren(...nodes);
            const box = around.getBoundingClientRect();
            node.style.left = `${Math.min(x - box.left, box.width - node.offsetWidth)}px`;
            node.style.top = `${y - box.top}px`;
        },
        hide: () => {
            node.hidden = true;
        },
    };
};
