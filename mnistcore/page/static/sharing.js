// The link to the drawing: copied, kept in the address bar, opened.
import { loaded } from "./drawing.js";
import { decode, encode } from "./link.js";
import { h, hear } from "./shared.js";

// A link holds the drawing, the net and the stage in its fragment, which browsers send to nobody.
export const createLink = ({ element, props }, drawing, sender, refresh) => {
    const status = h("span", { role: "status" });
    const field = h("input", { readonly: true, "aria-label": "Link to this drawing" });
    const note = h("p", { class: "pad-note" }, status, field);
    // What is chosen on the page; `window.chosen` if that was before this script had loaded.
    let choice = window.chosen ?? { net: props.net, stage: props.stage };
    let linked = false; // the address bar shows the link, and follows what is drawn
    let latest = 0; // number of what was begun last: what it overtakes is dropped

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
        const fragment = ink === null ? "" : `#${new URLSearchParams({ ...choice, ink })}`;
        history.replaceState(null, "", location.pathname + location.search + fragment);
        return fragment;
    };
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
        tell("Copy this:", url);
        field.select();
        try {
            // Browsers let only pages on HTTPS or on this machine write to the clipboard.
            await navigator.clipboard.writeText(url);
            status.textContent = "Copied:";
        } catch {}
    };
    // The choice and the operations of a link; null if it is damaged.
    const parse = async (link) => {
        const [net, stage] = [link.get("net"), link.get("stage")];
        if (!props.nets.includes(net) || !props.stages.includes(stage)) return null;
        try {
            const operations = await Promise.all((await decode(link.get("ink"))).map(loaded));
            return { choice: { net, stage }, operations };
        } catch {
            return null;
        }
    };
    const open = async () => {
        const link = new URLSearchParams(location.hash.slice(1));
        if (!link.has("ink")) return;
        const mine = ++latest;
        const found = await parse(link);
        if (mine !== latest) return;
        linked = found !== null;
        choice = found?.choice ?? choice;
        drawing.replace(found?.operations ?? []);
        refresh();
        drawing.canvas.dataset.choice = JSON.stringify([choice.net, choice.stage]);
        sender.send("submit"); // sets net and stage, then asks as for a stroke
        tell(linked ? "" : "This link is damaged: its drawing cannot be shown.");
    };
    addEventListener("hashchange", () => {
        if (element.isConnected) open();
    });
    hear(element, "choice", (now) => {
        choice = now;
        follow();
    });
    tell("");
    return { note, follow, share, open };
};
