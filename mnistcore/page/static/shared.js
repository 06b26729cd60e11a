// Comes before each component's own script: small helpers, no state.
const h = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, "");
        else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
};
const percent = (p) => (p >= 0.9995 ? "> 99.9" : (100 * p).toFixed(1)) + " %";
const number = (x, digits = 3) => (x < 0 ? "\u2212" : "") + Math.abs(x).toFixed(digits);
const article = (digit) => (digit === 8 ? "an" : "a");
const capital = (text) => text && text[0].toUpperCase() + text.slice(1);
const unpack = (text) =>
    new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const say = (name, detail) => document.dispatchEvent(new CustomEvent("mnist-" + name, { detail }));
const hear = (name, callback) =>
    document.addEventListener("mnist-" + name, (event) => element.isConnected && callback(event.detail));

// A component whose value is JSON: draws it whenever it changes, but never one that was asked for
// before the one that is shown, or that is older than an emptied canvas.
const show = (draw) => {
    let [since, emptied] = [0, 0];
    const update = () => {
        const data = JSON.parse(props.value || "{}");
        if (data.asked < since || data.number < emptied) return;
        since = data.asked ?? since;
        drawn(data);
        say("answered", data.number);
    };
    const drawn = (data) => {
        draw(data);
        element.dataset.number = data.number ?? "";
    };
    hear("emptied", (now) => {
        emptied = now;
        drawn({ number: now });
    });
    watch("value", update);
    update();
};
