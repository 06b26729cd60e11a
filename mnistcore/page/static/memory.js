// What survives a reload, a server that restarts and a tab that sleeps: it is in the session storage of
// the browser, which only this tab sees, and which ends with it. A browser may forbid that or have no
// room: then nothing survives, and everything else works.
const key = (name) => `mnistcore ${name}`;

export const keep = (name, text) => {
    try {
        if (text) sessionStorage.setItem(key(name), text);
        else sessionStorage.removeItem(key(name));
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
