// The address: its fragment names a tab of the page (#benchmark), or is a link to a drawing (#net=...).
import { hear } from "./shared.js";

const READ = "read"; // the tab that shows the drawing
let tabs = []; // their names
let link = ""; // the fragment of the drawing; "" as long as nobody asked for a link
const links = new Set(); // all that it has been: Back must not bring an older one back

// The tab that the address names.
const tabInAddress = () => {
    const fragment = location.hash.slice(1);
    return tabs.includes(fragment) ? fragment : READ;
};

const put = (change, fragment) =>
    history[change](null, "", location.pathname + location.search + fragment);

// The fragment of the drawing from now on. Another tab keeps its own as long as it is open.
export const putLink = (fragment) => {
    link = fragment;
    links.add(link);
    if (tabInAddress() === READ) put("replaceState", link);
};

// The parts of a link in the address; null if there is none, or if it is from this page.
export const linkInAddress = () => {
    const parts = new URLSearchParams(location.hash.slice(1));
    return parts.has("ink") && !links.has(location.hash) ? parts : null;
};

// Opens the tab that the address names, and names the tab that is opened: Back goes back to it.
export default ({ element, props, trigger }) => {
    tabs = props.tabs;
    const open = () => {
        if (!element.isConnected) return;
        const tab = tabInAddress();
        if (tab === READ && links.has(location.hash)) put("replaceState", link);
        props.value = tab;
        trigger("select");
    };
    hear(element, "tab", (tab) => {
        if (tab !== tabInAddress()) put("pushState", tab === READ ? link : `#${tab}`);
    });
    addEventListener("popstate", open);
    if (tabInAddress() !== READ) open();
};
