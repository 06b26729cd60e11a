// A small box of words near the pointer.
import { number } from "./format.js";
import { h } from "./shared.js";

const [RIGHT, BELOW] = [14, 18]; // pixels from the pointer to its tip
const DIGITS = 4; // after the point

export const createTip = (around) => {
    const node = h("div", { class: "tip", hidden: true });
    // At a point of the window, but not beyond the right edge of `around`.
    const show = (x, y, ...nodes) => {
        node.hidden = false;
        node.replaceChildren(...nodes);
        const box = around.getBoundingClientRect();
        const zoom = box.width / around.offsetWidth; // of the page, on a large screen
        const most = around.offsetWidth - node.offsetWidth;
        node.style.left = `${Math.min((x - box.left) / zoom, most)}px`;
        node.style.top = `${(y - box.top) / zoom}px`;
    };
    const tell = (x, y, value, words) =>
        show(x, y, h("b", {}, number(value, DIGITS)), h("span", {}, words));
    return {
        node,
        show,
        // A number and the words for its place, at a point of the window, or beside a pointer.
        tell,
        follow: ({ clientX, clientY }, value, words) =>
            tell(clientX + RIGHT, clientY + BELOW, value, words),
        hide: () => {
            node.hidden = true;
        },
    };
};
