// The net of the whole page, as one group of radio buttons, and the layer of its maps.
import { keep, kept } from "./memory.js";
import { h, hear, say } from "./shared.js";

let now = null; // {net, layer}; null until something has been chosen

export const chosen = () => now;

// Makes a choice for all components; a component with `trigger` then asks the server.
export const choose = (choice) => {
    now = choice;
    keep("choice", `${now.net} ${now.layer}`);
    say("choice", now);
};

// "MyVggNet conv2" -> a choice. Where the net has no such layer, its first; null if there is no such
// net. `layers` has the names of each net's.
export const parse = (text, layers) => {
    const [net, layer] = text.split(" ");
    if (!Object.hasOwn(layers, net)) return null;
    return { net, layer: layers[net].includes(layer) ? layer : layers[net][0] };
};

export default ({ element, props, trigger }) => {
    const { layers, titles } = props;
    const radios = Object.keys(layers).map((net) =>
        h("input", {
            type: "radio",
            name: "net",
            value: net,
            onchange: () => {
                choose(parse(`${net} ${now.layer}`, layers));
                trigger("input");
            },
        }),
    );
    const options = radios.map((radio) =>
        h("label", {}, radio, h("span", {}, titles[radio.value] ?? radio.value)),
    );
    const legend = h("legend", { class: "unseen" }, "Net");
    element.append(h("fieldset", { class: "choice" }, legend, ...options));
    hear(element, "choice", ({ net, layer }) => {
        for (const radio of radios) radio.checked = radio.value === net;
        props.value = `${net} ${layer}`;
    });
    const before = props.value;
    choose(now ?? parse(kept("choice"), layers) ?? parse(before, layers));
    // A drawing of before may have been read already, by the net that was chosen here first.
    if (props.value !== before) trigger("input");
};
