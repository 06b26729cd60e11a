// A file that the browser saves.
import { unpackBytes } from "./format.js";
import { h } from "./shared.js";

// A zip in base64, under a name.
export const saveZip = (zip, name) => {
    const url = URL.createObjectURL(new Blob([unpackBytes(zip)], { type: "application/zip" }));
    h("a", { href: url, download: name }).click();
    URL.revokeObjectURL(url);
};
