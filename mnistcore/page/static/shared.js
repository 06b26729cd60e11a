// What every component needs: HTML and SVG elements, messages to the other components, stale answers dropped.

const made = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, "");
        else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
};

export const h = (tag, attributes = {}, ...children) =>
    made(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
    made(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

export const say = (name, detail) =>
    document.dispatchEvent(new CustomEvent(`mnist-${name}`, { detail }));

export const hear = (element, name, callback) =>
    document.addEventListener(`mnist-${name}`, (event) => {
        if (element.isConnected) callback(event.detail);
    });

// The number of the newest drawing that is empty. Kept here, as a component may load after it.
let emptied = 0;

// The canvas is empty: all components show nothing at once, without asking the server.
export const sayEmptied = (number) => {
    emptied = number;
    say("emptied", number);
};

// The number of the newest question whose answer is no longer wanted.
let forgotten = 0;

// The picture is gone: all components show nothing at once, and what is still on its way is dropped.
export const forgetAnswers = () => {
    window.asked = (window.asked ?? 0) + 1;
    forgotten = window.asked;
    say("emptied");
};

// Calls `draw` with a component's value, parsed, whenever it changes; but never with an answer to
// an earlier question than the one that is shown, nor with one from before all was emptied.
export const show = ({ element, props, watch }, draw) => {
    let newest = 0; // number of the question whose answer is shown
    const shown = (data) => {
        draw(data);
        element.dataset.number = data.number ?? "";
    };
    const update = () => {
        const data = JSON.parse(props.value || "{}");
        if (data.asked < Math.max(newest, forgotten) || data.number < emptied) return;
        newest = data.asked ?? newest;
        shown(data);
        say("answered", data.number);
    };
    hear(element, "emptied", (number) => shown({ number }));
    watch("value", update);
    update();
};
