// The net of the whole page, as one group of radio buttons, and the layer of its maps.
import { foldButton } from "./fold.js";
import { capital } from "./format.js";
import { keep, kept } from "./memory.js";
import { h, hear, say } from "./shared.js";
import { architectureOf, forgetYours, swapYours, titleOf, yours, yoursName } from "./yours.js";

let now = null; // {net, layer}; null until something has been chosen

export const chosen = () => now;

// Makes a choice for all components; a component with `trigger` then asks the server.
export const choose = (choice) => {
    now = choice;
    keep("choice", `${now.net} ${now.layer}`);
    say("choice", now);
};

// "MyVggNet conv2" -> a choice. Where the net has no such layer, its first; null if there is no such
// net. `nets` are those that can be chosen besides one's own, `layers` has the names of all nets'.
export const parse = (text, { nets, layers }) => {
    const [net, layer] = text.split(" ");
    if (!nets.includes(net) && net !== yoursName()) return null;
    const names = layers[architectureOf(net)];
    return { net, layer: names.includes(layer) ? layer : names[0] };
};

// Whether the net that was chosen before still is, or one of the visitor's own, whose newest takes its
// place: otherwise he has chosen another, and keeps it.
export const isStillChosen = (net) => now.net === net || now.net.includes("@");

// The choice as others may know it: in place of one's own net, the net of the page that is like it.
export const chosenForAll = (props) =>
    parse(`${architectureOf(now.net)} ${now.layer}`, props) ??
    parse(`${props.nets[0]} ${now.layer}`, props);

export default ({ element, props, trigger }) => {
    const { nets, titles } = props;
    const group = h("fieldset", { class: "choice" });
    const note = h("p", { class: "choice-note", role: "status" });
    const [about, other] = [h("span", {}), h("span", {})];
    const swap = h(
        "span",
        {},
        " Your other net: “",
        other,
        "”. ",
        foldButton("Use it instead", swapYours),
    );
    const origin = h("p", { class: "choice-note" }, about, swap);
    const take = (choice) => {
        choose(choice);
        trigger("input");
    };
    const option = (value, words, title = null) =>
        h(
            "label",
            { title },
            h("input", {
                type: "radio",
                name: "net",
                value,
                onchange: () => {
                    note.textContent = "";
                    take(parse(`${value} ${now.layer}`, props));
                },
            }),
            h("span", {}, ...words),
        );
    let own = null;
    const offerYours = () => {
        const mine = yours();
        own?.remove();
        const kind = mine && h("span", { class: "choice-kind" }, ` (${mine.net})`);
        own = mine && option(yoursName(), ["Yours", kind], mine.about);
        if (own) group.append(own);
        about.textContent = mine ? `${capital(mine.about)}.` : "";
        swap.hidden = !mine?.other;
        other.textContent = mine?.other?.about ?? "";
    };
    const update = ({ net, layer }) => {
        for (const radio of group.querySelectorAll("input")) radio.checked = radio.value === net;
        props.value = `${net} ${layer}`;
        origin.hidden = net !== yoursName();
    };
    group.append(
        h("legend", { class: "unseen" }, "Net"),
        ...nets.map((net) => option(net, [titles[net] ?? net])),
    );
    element.append(group, origin, note);
    offerYours();
    hear(element, "choice", update);
    const takeYours = () => take(parse(`${yoursName()} ${now.layer}`, props));
    hear(element, "yours", (isChosen) => {
        note.textContent = "";
        offerYours();
        if (isChosen) takeYours();
    });
    // The server has no such net of a visitor.
    hear(element, "gone", (net) => {
        if (net !== yoursName()) return; // another has taken its place
        const wasChosen = now.net === net;
        const choice = chosenForAll(props);
        forgetYours();
        if (wasChosen) yours() ? takeYours() : take(choice);
        note.textContent = `Your ${architectureOf(net)} is no longer on the server: only the most recently used nets are kept.${wasChosen ? ` ${capital(titleOf(now.net))} is used now.` : ""}`;
    });
    const before = props.value;
    choose(now ?? parse(kept("choice"), props) ?? parse(before, props));
    // A drawing of before may have been read already, by the net that was chosen here first.
    if (props.value !== before) trigger("input");
};
