// The form of a training: presets and settings.
import { foldButton } from "./fold.js";
import { grouped } from "./format.js";
import { h } from "./shared.js";

const createSelect = (values, name = String) =>
    h("select", {}, ...values.map((value) => h("option", { value }, name(value))));

const createNumber = (attributes) => h("input", { type: "number", required: true, ...attributes });

const SWITCHES = {
    distortion: ["Distortion", "each image is turned, scaled, slanted, shifted and bent at random"],
    dropout: ["Dropout", "half of the units in the last layers are left out at random"],
    pen_font: ["Our pen font", "a tenth more images, drawn in forms that MNIST lacks"],
    shuffle: ["Shuffled", "a new random order in each epoch"],
};

// Calls `change` with all settings whenever one has changed.
export const createSettings = (props, change) => {
    const { rates, sizes, batches, dropout, mostImages, lessons, own } = props;
    const data = h("select", {}, h("option", { value: "" }, "MNIST"));
    if (own) data.append(h("option", { value: own.choices.data }, own.name));
    const fields = {
        ...(own && { data }),
        net: createSelect(Object.keys(rates)),
        images: h("select", {}),
        epochs: createNumber({ min: 1, step: 1 }),
        lr: createNumber({ min: props.lowestRate, max: props.highestRate, step: "any" }),
        batch_size: h("select", {}),
    };
    const titles = {
        data: "Data set",
        net: "Net",
        images: "Images",
        epochs: "Epochs",
        lr: "Learning rate",
        batch_size: "Batch size",
    };
    const switches = Object.fromEntries(
        Object.keys(SWITCHES).map((name) => [name, h("input", { type: "checkbox" })]),
    );
    const look = h("p", { class: "train-look" });
    const buttons = lessons.map((lesson) => foldButton(lesson.title, () => setLesson(lesson)));
    // What can be chosen of MNIST, or of one's own data.
    const fill = () => {
        const name = (n) => grouped(n);
        const images = data.value
            ? [h("option", { value: own.choices.images }, grouped(own.images))]
            : createSelect(sizes, name).children;
        fields.images.replaceChildren(...images);
        const all = createSelect(data.value ? own.batches : batches, name);
        fields.batch_size.replaceChildren(...all.children);
    };
    // How many images are trained on: of one's own data, `images` has also those that are held out.
    const trainedOn = () => (data.value ? own.images : Number(fields.images.value));
    const read = () => ({
        data: data.value,
        net: fields.net.value,
        ...Object.fromEntries(
            ["images", "epochs", "lr", "batch_size"].map((name) => [
                name,
                Number(fields[name].value),
            ]),
        ),
        ...Object.fromEntries(Object.entries(switches).map(([name, box]) => [name, box.checked])),
    });
    // What depends on other settings.
    const update = () => {
        const images = trainedOn();
        fields.epochs.max = Math.floor(mostImages / images);
        for (const option of fields.batch_size.options)
            option.disabled = Number(option.value) > images;
        if (Number(fields.batch_size.value) > images) fields.batch_size.value = 64;
        switches.dropout.disabled = !dropout.includes(fields.net.value);
        switches.pen_font.disabled = Boolean(data.value);
        change(read());
    };
    const mark = (lesson) => {
        lessons.forEach((one, i) => {
            buttons[i].setAttribute("aria-pressed", String(one === lesson));
        });
        look.textContent = lesson?.words ?? "Your own settings.";
    };
    const set = ({ choices }) => {
        data.value = choices.data;
        fill();
        for (const [name, value] of Object.entries(choices)) {
            if (name in switches) switches[name].checked = value;
            else if (name in fields) fields[name].value = value;
        }
    };
    const setLesson = (lesson) => {
        set(lesson);
        mark(lesson);
        update();
    };
    const form = h(
        "form",
        {
            class: own ? "train-settings with-data" : "train-settings",
            oninput: ({ target }) => {
                if (target === data) set(data.value ? own : lessons[0]);
                if (target === fields.net) fields.lr.value = rates[fields.net.value];
                mark(null);
                update();
            },
            onsubmit: (event) => event.preventDefault(),
        },
        ...Object.entries(fields).map(([name, field]) => h("label", {}, titles[name], field)),
        ...Object.entries(SWITCHES).map(([name, [title, words]]) =>
            h("label", { class: "train-switch", title: words }, switches[name], title),
        ),
    );
    const presets = h("div", { class: "train-presets", role: "group", "aria-label": "Presets" });
    presets.append(...buttons);
    setLesson(lessons[0]);
    return {
        node: h("div", {}, presets, look, form),
        read,
        trainedOn,
        isValid: () => form.reportValidity(),
    };
};
