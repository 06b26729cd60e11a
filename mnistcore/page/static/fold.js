// A section that is folded until somebody wants to know more, and the words that explain it.
import { keep, kept, LASTING } from "./memory.js";
import { h } from "./shared.js";

export const createFold = (name, label, title, ...content) => {
    const body = h("div", { class: `${name}-body` }, ...content);
    const details = h("details", {}, h("summary", {}, h("h2", {}, title)), body);
    return { node: h("section", { class: `fold ${name}`, "aria-label": label }, details), body };
};

export const foldButton = (label, onclick) =>
    h("button", { type: "button", class: "fold-button", onclick }, label);

// Words that explain a station, for those who want them: the browser remembers who has hidden them.
export const createWords = (name, ...content) => {
    const text = h("span", { id: `words-${name}` }, ...content);
    const button = h("button", {
        type: "button",
        class: "words-button",
        "aria-controls": text.id,
        onclick: () => {
            keep(`hidden words ${name}`, text.hidden ? "" : "yes", LASTING);
            show(text.hidden);
        },
    });
    const show = (shown) => {
        text.hidden = !shown;
        button.textContent = shown ? "Hide explanation" : "Explain";
        button.setAttribute("aria-expanded", shown);
        button.setAttribute("aria-label", `${button.textContent}: ${name}`); // there are several
    };
    show(!kept(`hidden words ${name}`, LASTING));
    return h("p", { class: "words" }, text, " ", button);
};
