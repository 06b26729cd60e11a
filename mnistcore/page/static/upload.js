// Files from and to the server.
import { BUSY } from "./question.js";
import { saveZip } from "./save.js";

const MB = 1e6; // bytes

// Relative to the page, so that it works behind a proxy, too.
export const urlOf = (path) => new URL(path, document.baseURI);

export const fetched = async (path, options) => {
    const response = await fetch(urlOf(path), options);
    if (!response.ok) throw new Error(response.statusText);
    return response;
};

// The path on the server. Gradio's own function would also show a toast where this fails.
export const upload = async (file) => {
    const body = new FormData();
    body.append("files", file);
    const [path] = await (await fetched("./gradio_api/upload", { method: "POST", body })).json();
    return path;
};

// Why a file cannot be sent; "" if it can. Sizes in bytes; `kind` is the plural of what it holds.
export const tooLarge = (size, most, kind) => {
    const rounded = Math.ceil((10 * size) / MB) / 10;
    return size > most
        ? `${kind} can be at most ${most / MB} MB, and this one is ${rounded} MB. Choose a smaller one.`
        : "";
};

// Saves a net of this visitor, as the folder that `--weights` takes; why it cannot, "" if it can.
export const downloadNet = async (server, token) => {
    const { zip, error } = await server.download({ token }).catch(() => ({ error: BUSY }));
    if (zip) saveZip(zip, "my-net.zip");
    return error ?? "";
};
