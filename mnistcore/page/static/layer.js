// The heading of the maps, with the choice of the layer.
import { choose, chosen } from "./choice.js";
import { createWords } from "./fold.js";
import { h, hear } from "./shared.js";
import { architectureOf, titleOf } from "./yours.js";

export const WORDS =
    "Each kernel looks for a small pattern, such as an edge, and its map shows where: red where it finds the pattern, " +
    "blue where it finds the opposite. ReLU sets negative numbers to zero. Pooling keeps the largest of four neighbours, so " +
    "that a shift by one pixel hardly matters.";

export default ({ element, props, trigger }) => {
    const { layers, mapsOf } = props; // for all five nets, the one whose maps are shown
    const heading = h("h2", {});
    const select = h("select", {
        onchange: () => {
            choose({ ...chosen(), layer: select.value });
            trigger("input");
        },
    });
    element.append(
        h("div", { class: "layer" }, heading, h("label", {}, "Layer", select)),
        createWords("maps", WORDS),
    );
    const show = ({ net, layer }) => {
        heading.textContent = `Feature maps of ${mapsOf[net] ?? titleOf(net)}`;
        const names = layers[architectureOf(net)];
        select.replaceChildren(...names.map((name) => h("option", {}, name)));
        select.value = layer;
    };
    hear(element, "choice", show);
    // Somebody walks back to a map of another layer.
    hear(element, "layer", (layer) => {
        choose({ ...chosen(), layer });
        trigger("input");
    });
    if (chosen()) show(chosen());
};
