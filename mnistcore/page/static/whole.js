// Pictures that share the place and the shape of the whole picture, and boxes on them.
import { h } from "./shared.js";

export const stack = ([width, height], ...nodes) => {
    const node = h("div", { class: "whole" }, ...nodes);
    node.style.setProperty("--ratio", width / height);
    return node;
};

// Puts a node where a box of the whole picture is; both in its pixels.
export const putAt = (node, [left, top, right, bottom], [width, height]) => {
    node.style.left = `${(100 * left) / width}%`;
    node.style.top = `${(100 * top) / height}%`;
    node.style.width = `${(100 * (right - left)) / width}%`;
    node.style.height = `${(100 * (bottom - top)) / height}%`;
};
