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
            const zoom = box.width / around.offsetWidth; // of the page, on a large screen
            const most = around.offsetWidth - node.offsetWidth;
            node.style.left = `${Math.min((x - box.left) / zoom, most)}px`;
            node.style.top = `${(y - box.top) / zoom}px`;
        },
        hide: () => {
            node.hidden = true;
        },
    };
};
