// A picture to read: from a file, the clipboard or the camera, or one of the examples.
import { createCamera } from "./camera.js";
import { forgetAnswers, h, hear, say } from "./shared.js";
import { fetched, tooLarge, upload, urlOf } from "./upload.js";

const NOT_SENT = "The picture could not be sent. Check your connection and try again.";
const NOTHING_COPIED = "There is no picture on the clipboard. Copy one, then paste again.";
const MAY_NOT_PASTE =
    "The browser blocked access to the clipboard. Allow it, or choose a picture instead.";

// The picture on the clipboard as a File, or a sentence that says why there is none.
const fromClipboard = async () => {
    try {
        for (const item of await navigator.clipboard.read()) {
            const type = item.types.find((kind) => kind.startsWith("image/"));
            if (type) return new File([await item.getType(type)], "From the clipboard", { type });
        }
        return NOTHING_COPIED;
    } catch {
        return MAY_NOT_PASTE;
    }
};

const examplePath = (name) => `./examples/${encodeURIComponent(name)}`;
const fromExamples = async (name) =>
    new File([await (await fetched(examplePath(name))).blob()], name);

const button = (words, act) => h("button", { type: "button", onclick: act }, words);

// "6 a letter.png" is called "a letter": the digit gives its place.
const createExamples = (names, choose) =>
    h(
        "fieldset",
        { class: "picture-examples" },
        h("legend", {}, "Or one of these"),
        ...names.map((name) =>
            h(
                "button",
                { type: "button", onclick: () => choose(fromExamples(name)) },
                h("img", { src: urlOf(examplePath(name)), alt: "", loading: "lazy" }),
                h("span", {}, name.replace(/^\d+ /, "").replace(/\.\w+$/, "")),
            ),
        ),
    );

// What gives a picture wherever it happens on the page, as long as this component is visible.
const listen = (element, root, choose, complain) => {
    const on = (name, react) =>
        document.addEventListener(name, (event) => {
            if (element.isConnected && element.offsetParent) react(event);
        });
    const carriesFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");
    on("paste", ({ clipboardData, target }) => {
        const [file] = clipboardData.files;
        if (file) choose(file);
        else if (!target.matches("input:not([type=radio])")) complain(NOTHING_COPIED);
    });
    on("dragover", (event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault(); // otherwise the browser opens the file instead of the page
        root.classList.add("drop");
    });
    on("dragleave", (event) => {
        if (!event.relatedTarget) root.classList.remove("drop"); // it has left the window
    });
    on("drop", (event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        root.classList.remove("drop");
        const [file] = event.dataTransfer.files;
        if (file) choose(file);
    });
};

// The component's value is the path of the upload on the server, "" if there is none.
export default ({ element, props, trigger }) => {
    let latest = 0; // number of the latest choice: what comes of an earlier one is dropped
    let shownUrl = ""; // of the picture in the frame

    const input = h("input", {
        type: "file",
        accept: "image/*",
        hidden: true,
        onchange: () => {
            if (input.files[0]) choose(input.files[0]);
            input.value = ""; // so that the same file can be chosen again
        },
    });
    const frame = h("div", { class: "picture-frame" });
    const tools = h("div", { class: "picture-tools" });
    const alert = h("p", { class: "picture-error", role: "alert" });

    // Only the buttons that make sense now are there; the focus stays with them.
    const show = (content, buttons) => {
        const focused = [frame, tools].some((part) => part.contains(document.activeElement));
        frame.replaceChildren(...content);
        tools.replaceChildren(...buttons);
        if (focused) root.querySelector("button:enabled").focus({ preventScroll: true });
    };
    const clear = (error = "") => {
        latest += 1;
        camera.close();
        URL.revokeObjectURL(shownUrl);
        props.value = "";
        alert.textContent = error;
        show(empty, sources);
        if (element.offsetParent) forgetAnswers(); // otherwise those to the drawing are shown
    };
    const showFile = (file) => {
        shownUrl = URL.createObjectURL(file);
        const image = h("img", {
            src: shownUrl,
            alt: `Your picture: ${file.name}`,
            onerror: () => image.replaceWith(file.name), // the server reads more kinds of pictures
        });
        show([image], [button("Remove", () => clear())]);
    };
    // Takes a File or a sentence that says why there is none, or the promise of either.
    const choose = async (source) => {
        clear();
        const mine = latest;
        try {
            const file = await source;
            if (mine !== latest) return;
            const error =
                typeof file === "string" ? file : tooLarge(file.size, props.maxFile, "Pictures");
            if (error) {
                clear(error);
                return;
            }
            showFile(file);
            if (element.offsetParent) say("sent");
            const path = await upload(file);
            if (mine !== latest) return;
            props.value = path;
            trigger("input");
        } catch {
            if (mine === latest) clear(NOT_SENT);
        }
    };
    const openCamera = () => {
        clear();
        show([camera.video], camera.buttons);
        camera.open();
    };

    const camera = createCamera({ take: choose, fail: clear, leave: () => clear() });
    const empty = [
        button("Choose a picture", () => input.click()),
        h("p", { class: "picture-drop" }, "or drop it here"),
    ];
    const sources = [button("Camera", openCamera)];
    if (navigator.clipboard?.read) sources.unshift(button("Paste", () => choose(fromClipboard())));
    const root = h(
        "div",
        { class: "picture" },
        input,
        frame,
        tools,
        alert,
        createExamples(props.examples, choose),
    );
    element.append(root);
    show(empty, sources);
    listen(element, root, choose, (words) => {
        alert.textContent = words;
    });
    hear(element, "unreadable", clear);
};
