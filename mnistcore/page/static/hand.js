// The visitor's own digits: shown, deleted one by one, saved to a file and read from one.
import { createInk } from "./colours.js";
import { createFold, foldButton } from "./fold.js";
import { packBytes } from "./format.js";
import { addDigits, MOST, ownDigits, removeDigits } from "./own.js";
import { BUSY } from "./question.js";
import { saveZip } from "./save.js";
import { createWhenSeen } from "./seen.js";
import { h, hear, say } from "./shared.js";
import { createTeaching } from "./teach.js";

const FILE = "my-digits.zip";
// In pieces that stay whole where it is too long for a line.
const COMMAND = ["python -m", `mnistcore adapt ${FILE}`, "--model LeNet", "--out mine"];

export default ({ element, props, server }) => {
    const note = h("p", { role: "status" });
    let deleted = []; // digits that can be brought back
    const shown = h("div", { class: "own-digits" });
    const file = h("input", {
        type: "file",
        accept: ".zip",
        "aria-label": "Zip to import",
        hidden: true,
    });
    const ask = async (act) => {
        try {
            await act();
        } catch {
            note.textContent = BUSY;
        }
    };
    const take = () =>
        ask(async () => {
            const [zip] = file.files;
            file.value = "";
            if (!zip) return;
            if (zip.size > props.mostBytes) {
                note.textContent = "This file is too large to be an export of the page.";
                return;
            }
            const bytes = new Uint8Array(await zip.arrayBuffer());
            const { digits, error } = await server.import_digits({ zip: packBytes(bytes) });
            if (error) {
                note.textContent = error;
                return;
            }
            deleted = []; // they are not brought back among what is new
            const added = addDigits(digits);
            const full = ownDigits().length === MOST ? ` All ${MOST} places are taken.` : "";
            note.textContent = `Imported: ${added} of ${digits.length}.${full}`;
        });
    file.onchange = take;
    const exports = foldButton("Export", () =>
        ask(async () => saveZip((await server.export_digits({ digits: ownDigits() })).zip, FILE)),
    );
    const deleteAll = foldButton("Delete all", () => remove(ownDigits()));
    const undo = foldButton("Undo", () => {
        const back = addDigits(deleted);
        note.textContent =
            back < deleted.length
                ? `${back} of ${deleted.length} are back: there is no room for more.`
                : "";
        deleted = [];
        deleteAll.focus();
    });
    const teaching = server.teach ? createTeaching(server) : null; // the page may train nothing
    const { node, body } = createFold(
        "hand",
        "Your digits",
        "Your own digits",
        h(
            "p",
            {},
            "If an answer is wrong, choose the right digit below it, and the drawing is added to your digits. Ten of " +
                "each take a few minutes. They are stored only in this browser, and go to the server only to teach a net, or to make or read a zip.",
        ),
        h(
            "div",
            { class: "own-tools" },
            foldButton("Draw ten of each", () => say("guide")),
            exports,
            foldButton("Import", () => file.click()),
            deleteAll,
            file,
        ),
        teaching?.node,
        h(
            "p",
            {},
            "To teach a net on the command line, export your digits and run: ",
            h("code", {}, ...COMMAND.flatMap((words) => [h("span", {}, words), " "])),
        ),
        note,
        shown,
    );
    element.append(node);
    if (teaching) createWhenSeen(body)(teaching.prepare);
    const remove = (some) => {
        deleted = [...deleted, ...some];
        removeDigits(some);
        note.replaceChildren(`Deleted: ${deleted.length}. `, undo);
    };
    const draw = () => {
        const digits = ownDigits();
        exports.disabled = deleteAll.disabled = !digits.length;
        teaching?.update();
        const rows = Array.from({ length: 10 }, (_, label) => {
            const own = digits.filter((one) => one.label === label);
            const pictures = own.map((digit) => {
                const canvas = createInk(digit.image, props.side);
                const label_ = `Delete this ${label}`;
                return h(
                    "button",
                    {
                        type: "button",
                        "aria-label": label_,
                        title: label_,
                        // The second click of two is not meant for the digit that has moved there.
                        onclick: ({ detail }) => detail < 2 && remove([digit]),
                    },
                    canvas,
                );
            });
            return own.length
                ? h("div", { class: "own-row" }, h("b", {}, label), ...pictures)
                : null;
        });
        const words = digits.length
            ? `${digits.length} in all. Click one to delete it.`
            : `There are none yet.${teaching ? " A net can learn from one; ten of each are a good start." : ""}`;
        shown.replaceChildren(h("p", {}, words), ...rows.filter(Boolean));
    };
    hear(element, "own-digits", draw);
    hear(element, "yours", () => teaching?.update());
    draw();
};
