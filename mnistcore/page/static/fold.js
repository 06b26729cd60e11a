// A section that is folded until somebody wants to know more.
import { h } from "./shared.js";

export const createFold = (name, label, title, ...content) => {
    const body = h("div", { class: `${name}-body` }, ...content);
    const details = h("details", {}, h("summary", {}, h("h2", {}, title)), body);
    return { node: h("section", { class: `fold ${name}`, "aria-label": label }, details), body };
};

export const foldButton = (label, onclick) =>
    h("button", { type: "button", class: "fold-button", onclick }, label);
