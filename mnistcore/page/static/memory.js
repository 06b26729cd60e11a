// What survives a reload, a restart of the server and a sleeping tab. If the browser forbids that or
// has no room, nothing survives and everything else works.
const key = (name) => `mnistcore ${name}`;

export const LASTING = "localStorage"; // belongs to the browser, until it is deleted there
const OF_TAB = "sessionStorage"; // belongs to this tab alone, and ends with it

// Whether that is possible; otherwise what was kept before stays.
export const keep = (name, text, where = OF_TAB) => {
    try {
        if (text) window[where].setItem(key(name), text);
        else window[where].removeItem(key(name));
        return true;
    } catch {
        return false;
    }
};

// The text kept last; "" if there is none.
export const kept = (name, where = OF_TAB) => {
    try {
        return window[where].getItem(key(name)) ?? "";
    } catch {
        return "";
    }
};
