// What survives a reload, a restart of the server and a sleeping tab. If the browser forbids that or
// has no room, nothing survives and everything else works.
const key = (name) => `mnistcore ${name}`;

export const LASTING = "localStorage"; // belongs to the browser, until it is deleted there
const OF_TAB = "sessionStorage"; // belongs to this tab alone, and ends with it

export const keep = (name, text, where = OF_TAB) => {
    try {
        window[where].removeItem(key(name));
        if (text) window[where].setItem(key(name), text);
    } catch {}
};

// The text kept last; "" if there is none.
export const kept = (name, where = OF_TAB) => {
    try {
        return window[where].getItem(key(name)) ?? "";
    } catch {
        return "";
    }
};
