// Where a drawing is kept apart from the canvas: in a link to copy, and in this tab's memory.
import { linkInAddress, putLink } from "./address.js";
import { choose, chosen, chosenForAll, parse } from "./choice.js";
import { loaded } from "./drawing.js";
import { decode, encode, fromJSON, toJSON } from "./link.js";
import { keep, kept } from "./memory.js";
import { h, hear } from "./shared.js";

// A link holds the drawing, the net and the layer in its fragment, which browsers send to nobody.
export const createLink = ({ element, props }, drawing, sender, refresh) => {
    const status = h("span", { role: "status" });
    const field = h("input", { readonly: true, "aria-label": "Link to this drawing" });
    const note = h("p", { class: "pad-note" }, status, field);
    let linked = false; // the address bar shows the link, and follows what is drawn
    let latest = 0; // number of what was begun last: anything begun earlier is dropped

    const tell = (words, url = "") => {
        status.textContent = words;
        field.value = url;
        field.hidden = !url;
    };
    // Gives the fragment: "" if the drawing is too long, null if it has changed meanwhile.
    const putInAddress = async () => {
        const mine = ++latest;
        const ink = await encode(drawing.visible);
        if (mine !== latest) return null;
        const fragment =
            ink === null ? "" : `#${new URLSearchParams({ ...chosenForAll(props), ink })}`;
        putLink(fragment);
        return fragment;
    };
    const remember = () => keep("drawing", drawing.isEmpty ? "" : toJSON(drawing.visible));
    const follow = () => {
        tell("");
        if (linked) putInAddress();
    };
    const share = async () => {
        linked = true;
        const fragment = await putInAddress();
        if (fragment === null) return;
        if (!fragment) {
            tell("This drawing is too long for a link.");
            return;
        }
        const url = location.origin + location.pathname + fragment;
        // Nobody else gets one's own net.
        const [own, other] = [chosen().net, chosenForAll(props).net];
        const end = own.includes("@") ? `; it opens with the page’s ${other}:` : ":";
        tell(`Copy this${end}`, url);
        field.select();
        field.scrollIntoView({ block: "nearest" });
        try {
            // Browsers let only pages on HTTPS or on this machine write to the clipboard.
            await navigator.clipboard.writeText(url);
            status.textContent = `Copied${end}`;
        } catch {}
    };
    // Shows the operations that a promise resolves to, or none if it rejects. Resolves to whether
    // there were any; to null, and shows nothing, if something else has been begun meanwhile.
    const show = async (promise) => {
        const mine = ++latest;
        const operations = await promise
            .then((all) => Promise.all(all.map(loaded)))
            .catch(() => null);
        if (mine !== latest) return null;
        drawing.replace(operations ?? []);
        refresh();
        remember();
        return operations !== null;
    };
    const open = async (link) => {
        // Older links have a `stage`, such as "LeNet conv1", instead of the layer.
        const layer = link.get("layer") ?? link.get("stage")?.split(" ")[1];
        const choice = parse(`${link.get("net")} ${layer}`, props);
        const shown = await show(choice ? decode(link.get("ink")) : Promise.reject());
        if (shown === null) return;
        linked = shown;
        if (shown) choose(choice);
        sender.send("submit"); // asks as for a stroke, where the drawing can be seen
        tell(shown ? "" : "This link is damaged: its drawing cannot be shown.");
    };
    const begin = async () => {
        const [link, before] = [linkInAddress(), kept("drawing")];
        if (link) await open(link);
        else if (before && (await show(Promise.resolve(before).then(fromJSON)))) sender.send();
    };
    addEventListener("hashchange", () => {
        const link = linkInAddress();
        if (element.isConnected && link) open(link);
    });
    hear(element, "choice", follow);
    tell("");
    return {
        note,
        share,
        begin,
        // The drawing has changed.
        follow: () => {
            latest += 1;
            remember();
            follow();
        },
    };
};
