// What survives a reload, a restart of the server and a sleeping tab. It is in the browser's session
// storage, which belongs to this tab alone and ends with it. If the browser forbids that or has no
// room, nothing survives and everything else works.
const key = (name) => `mnistcore ${name}`;

export const keep = (name, text) => {
    try {
        sessionStorage.removeItem(key(name));
        if (text) sessionStorage.setItem(key(name), text);
    } catch {}
};

// The text kept last; "" if there is none.
export const kept = (name) => {
    try {
        return sessionStorage.getItem(key(name)) ?? "";
    } catch {
        return "";
    }
};
