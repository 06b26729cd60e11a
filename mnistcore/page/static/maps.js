// The maps of one stage of a net, every number in its colour, and the arithmetic behind each.
const legend = h("div", { class: "legend" });
const title = h("p", { class: "maps-title" });
const input = h("canvas", { class: "pixels", width: 28, height: 28, role: "img", "aria-label": "What the net reads, 28 by 28 pixels" });
const mark = h("span", { class: "mark", hidden: true });
const grid = h("div", { class: "maps-rows" });
const panel = h("div", { class: "arithmetic" });
const live = h("p", { class: "unseen", role: "status" });
const tip = h("div", { class: "tip", hidden: true });
const NORMALISED = "The nets read (ink − 0.1307) / 0.3081: the mean and the standard deviation of all 47,040,000 pixels of MNIST's 60,000 training images, scaled to 0…1.";
const normalised = h("abbr", { tabindex: 0 }, "normalised");
const root = h("section", { class: "maps", "aria-label": "Maps" },
    h("div", { class: "maps-left" },
        h("figure", {}, h("div", { class: "maps-input" }, input, mark),
            h("figcaption", {}, "Input, 28×28", normalised)),
        legend, title),
    grid, panel, live);
element.append(root, tip);

const BUSY = "The server was too busy to answer. Choose it again.";

let given = {}; // the newest value
let data = {}; // what is shown of it
let picked = null; // {name, channel, row, column} of the pixel whose arithmetic is shown
let asked = 0; // number of the last question for arithmetic, so that a late answer is dropped
let looked = 0; // the same of maps
const sections = new Map(); // name of a row -> its canvases and numbers

// One scale, centred on zero: blue, the colour of the page, red.
const colours = () => {
    const style = getComputedStyle(root);
    return ["--below", "--zero", "--above"].map((name) => {
        const value = parseInt(style.getPropertyValue(name).trim().slice(1), 16);
        return [value >> 16, (value >> 8) & 255, value & 255];
    });
};
const GAMMA = 0.65; // of the colours, in the legend as well: small numbers stay visible
let scale = null;
const paint = (target, numbers, start, limit) => {
    const { width, height } = target;
    const context = target.getContext("2d");
    const pixels = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
        const x = Math.max(-1, Math.min(1, numbers[start + i] / limit));
        const share = Math.abs(x) ** GAMMA;
        const [zero, end] = [scale[1], x < 0 ? scale[0] : scale[2]];
        for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = zero[c] + (end[c] - zero[c]) * share;
        pixels.data[4 * i + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
};
const colour = (x, limit) => {
    const share = Math.min(1, Math.abs(x / limit)) ** GAMMA;
    const end = x < 0 ? scale[0] : scale[2];
    return scale[1].map((zero, c) => Math.round(zero + (end[c] - zero) * share));
};
const css = (x, limit) => `rgb(${colour(x, limit).join(" ")})`;
// Black or white, whichever can be read on it (WCAG's relative luminance).
const onto = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c <= 10 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
};
// A limit that stays while the numbers wander a little.
const nice = (x) => {
    const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
    const power = 10 ** Math.floor(Math.log10(x || 1));
    return Number((power * steps.find((step) => step * power >= x * 0.9999)).toPrecision(2)); // 6 * 0.1 is not 0.6
};

const TITLES = { relu: "ReLU", pool: "max pooling" };
const name = (key) => key.split("+").map((part) => TITLES[part] ?? part).join(" + ");

const section = (key, [count, tall, width]) => {
    const shape = `${count} of ${tall}×${width}`;
    const known = sections.get(key);
    if (known?.shape === shape) return known;
    const canvases = Array.from({ length: count }, (_, channel) => {
        const target = h("canvas", { class: "pixels", width, height: tall, tabindex: channel || key === "kernels" ? -1 : 0, role: "img",
            "aria-label": `${name(key)}, map ${channel + 1}` });
        Object.assign(target.dataset, { key, channel });
        return target;
    });
    const columns = count <= 6 ? count : count <= 16 ? 8 : width < 3 ? 32 : count <= 64 ? 16 : 32;
    const label = h("span", { class: "row-note" });
    const cells = canvases.map((target, i) => h("figure", {}, h("div", { class: "map" }, target, h("span", { class: "map-mark", hidden: true })),
        count <= 16 ? h("figcaption", {}, i + 1) : null));
    const node = h("div", { class: "maps-row" }, h("h3", {}, key === "kernels" ? "kernels" : name(key), label), h("div", { class: "maps-cells" }, ...cells));
    node.style.setProperty("--columns", columns);
    node.classList.toggle("many", count > 16);
    return { node, cells, canvases, label, shape };
};

const draw = () => {
    tip.hidden = true;
    if (!data.rows) {
        if (!sections.size) grid.replaceChildren(h("p", { class: "nothing" }, "The maps appear as soon as there is a digit."));
        for (const [key, part] of sections) { // their places stay, so that nothing below them jumps
            if (key === "kernels") continue;
            part.numbers = null;
            part.label.textContent = part.shape;
            part.canvases.forEach((target) => target.getContext("2d").clearRect(0, 0, target.width, target.height));
            part.cells.forEach((cell) => cell.classList.remove("dead"));
        }
        input.getContext("2d").clearRect(0, 0, 28, 28);
        return forget();
    }
    scale = colours();
    const limit = nice(data.limit);
    const context = input.getContext("2d");
    const pixels = context.createImageData(28, 28);
    data.ink.forEach((ink, i) => pixels.data.set([255 * ink, 255 * ink, 255 * ink, 255], 4 * i));
    context.putImageData(pixels, 0, 0);

    const rows = data.rows.map((row) => ({ ...row, limit }));
    if (data.kernels) rows.unshift({ name: "kernels", shape: [data.rows[0].shape[0], data.kernel, data.kernel], numbers: data.kernels, limit: nice(data.kernel_limit), dead: [] });
    const kept = new Map();
    for (const row of rows) {
        const part = section(row.name, row.shape);
        Object.assign(part, { numbers: row.numbers, limit: row.limit });
        const size = row.shape[1] * row.shape[2];
        part.canvases.forEach((target, i) => paint(target, row.numbers, i * size, row.limit));
        part.cells.forEach((cell, i) => cell.classList.toggle("dead", row.dead.includes(i)));
        const dead = row.dead.length > 8 ? `${row.dead.length} maps are` : row.dead.length > 1 ? `maps ${row.dead.map((i) => i + 1).join(", ")} are` : `map ${row.dead[0] + 1} is`;
        part.label.textContent = row.name === "kernels" ? `${data.kernel}×${data.kernel}, on a scale of ±${row.limit}`
            : part.shape + (row.dead.length ? ` · ${dead} dead here: zero everywhere` : "");
        kept.set(row.name, part);
    }
    const same = kept.size === sections.size && [...kept].every(([key, part]) => sections.get(key) === part);
    if (!same) {
        sections.clear();
        kept.forEach((part, key) => sections.set(key, part));
        grid.replaceChildren(...[...kept.values()].map((part) => part.node));
    }
    title.textContent = `Computed on ${data.device}.`;
    const stops = Array.from({ length: 21 }, (_, i) => css(i / 10 - 1, 1));
    root.style.setProperty("--scale", `linear-gradient(90deg, ${stops.join(", ")})`);
    legend.replaceChildren(h("span", { class: "legend-bar" }), h("span", {}, `−${limit}`), h("span", {}, "0"), h("span", {}, `+${limit}`));
    const there = picked && data.rows.find((row) => row.name === picked.name);
    const fits = there && [picked.channel, picked.row, picked.column].every((place, i) => place < there.shape[i]);
    if (fits) ask();
    else forget();
};

const forget = () => {
    picked = null;
    mark.hidden = true;
    for (const { cells } of sections.values()) cells.forEach((cell) => (cell.querySelector(".map-mark").hidden = true));
    panel.replaceChildren(h("p", { class: "nothing" }, data.rows ? "Click a pixel of a map to see the arithmetic behind it. On the keyboard, arrows go from pixel to pixel, Page Up and Page Down from map to map." : data.busy ? BUSY : ""));
};
const at = (node, top, left, tall, width, of) => {
    node.hidden = false;
    node.style.cssText = `top:${(100 * top) / of[0]}%;left:${(100 * left) / of[1]}%;height:${(100 * tall) / of[0]}%;width:${(100 * width) / of[1]}%`;
};
const spot = ({ channel, row, column }) => `map ${channel + 1}, row ${row + 1}, column ${column + 1}`; // as people count
const ask = async () => {
    const question = ++asked;
    const found = await server.explain({ digit: data.digit, stage: data.stage, ...picked });
    if (question !== asked || !picked || (found && found.stage !== data.stage)) return false;
    if (found) explain(found);
    else panel.replaceChildren(h("p", { class: "nothing", role: "alert" }, BUSY));
    return Boolean(found);
};
const pick = async (place) => {
    picked = place;
    if (await ask()) live.textContent = `${capital(spot(place))}: ${number(value(place), 4)}`;
};

// Four letters at the most: \u2212.42, 2.77, 12.3.
const short = (x) => number(x, Math.abs(x) < 9.995 ? 2 : 1).replace(/^(\u2212?)0\./, "$1.");
const table = (numbers, limit) => h("table", { class: "numbers", role: "presentation" }, h("tbody", {}, ...numbers.map((line) => h("tr", {}, ...line.map((x) => {
    const cell = h("td", {}, short(x));
    cell.style.background = css(x, limit);
    cell.style.color = onto(colour(x, limit));
    return cell;
})))));
const explain = (found) => {
    const [limit, kernelLimit] = [nice(data.limit), nice(data.kernel_limit)];
    const first = data.inputs === 1;
    const terms = found.planes.map(({ plane, patch, kernel, sum }) => h("div", { class: "term" },
        h("div", {}, h("h4", {}, first ? "patch of the input" : `patch of map ${plane + 1}`), table(patch, first ? 3 : limit)),
        h("span", { class: "sign" }, "×"),
        h("div", {}, h("h4", {}, first ? `kernel ${found.channel + 1}` : "its kernel"), table(kernel, kernelLimit)),
        h("p", { class: "sum" }, "products add up to ", h("b", {}, number(sum, 4)))));
    const step = (label, value, note) => h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, value), h("td", {}, note ?? ""));
    const products = found.planes.reduce((total, { sum }) => total + sum, 0) + found.rest.sum;
    const winner = found.name.endsWith("+pool") ? `, row ${found.row + 1}, column ${found.column + 1}` : "";
    panel.replaceChildren(
        h("h3", {}, `${capital(spot(picked))}, of ${name(found.name)}`),
        ...terms,
        h("table", { class: "ledger" }, h("tbody", {},
            found.rest.count ? step(`${found.rest.count} more maps`, number(found.rest.sum, 4)) : null,
            step("sum of products", number(products, 4)),
            step("+ bias", number(found.bias, 4)),
            step("= value", h("b", { "data-is": "value" }, number(found.value, 4)), found.stage.split(" ")[1] + winner),
            found.relu === null ? null : step("ReLU", h("b", { "data-is": "relu" }, number(found.relu, 4)), found.value < 0 ? "below zero: cut to 0" : "above zero: stays"),
            found.pooled === null ? null : step("2×2 maximum", h("b", { "data-is": "pooled" }, number(found.pooled, 4)),
                h("span", { class: "window" }, ...found.window.flat().map((x) => h("span", { class: x === found.pooled ? "won" : "" }, number(x, 2))))))),
    );
    const [top, left, bottom, right] = found.field;
    const [t, l, b, r] = [Math.max(0, top), Math.max(0, left), Math.min(28, bottom), Math.min(28, right)];
    at(mark, t, l, b - t, r - l, [28, 28]);
    for (const [key, { cells, canvases }] of sections) {
        cells.forEach((cell, i) => (cell.querySelector(".map-mark").hidden = key === "kernels" || i !== found.channel));
        if (key === "kernels") {
            at(cells[found.channel].querySelector(".map-mark"), 0, 0, 1, 1, [1, 1]);
            continue;
        }
        const target = canvases[found.channel];
        const pooled = key.endsWith("+pool");
        const [y, x] = pooled ? [Math.floor(found.row / 2), Math.floor(found.column / 2)] : [found.row, found.column];
        at(cells[found.channel].querySelector(".map-mark"), y, x, 1, 1, [target.height, target.width]);
    }
};

const pixel = (event) => {
    const target = event.target.closest?.("canvas[data-key]");
    if (!target) return null;
    const box = target.getBoundingClientRect();
    const inside = (x, count) => Math.max(0, Math.min(count - 1, Math.floor(x * count)));
    return {
        name: target.dataset.key, channel: Number(target.dataset.channel), target,
        row: inside((event.clientY - box.top) / box.height, target.height),
        column: inside((event.clientX - box.left) / box.width, target.width),
    };
};
const value = ({ name: key, channel, row, column }) => {
    const { numbers, canvases: [{ width, height }] } = sections.get(key);
    return numbers?.[(channel * height + row) * width + column];
};
const showTip = (x, y, ...nodes) => {
    tip.hidden = false;
    tip.replaceChildren(...nodes);
    const around = element.getBoundingClientRect();
    tip.style.left = `${Math.min(x - around.left, around.width - tip.offsetWidth)}px`;
    tip.style.top = `${y - around.top}px`;
};
const explainInput = () => {
    const box = normalised.getBoundingClientRect();
    showTip(box.left, box.bottom + 12, h("span", { class: "sentence" }, NORMALISED));
    live.textContent = NORMALISED;
};
normalised.addEventListener("focus", explainInput);
normalised.addEventListener("click", explainInput);
normalised.addEventListener("blur", () => (tip.hidden = true));
root.addEventListener("pointermove", (event) => {
    if (event.target === normalised) return;
    const here = pixel(event);
    let text = here && spot(here).replace("map", here.name === "kernels" ? "kernel" : "map");
    let shown = here && value(here);
    if (shown === null || shown === undefined) text = null;
    else shown = number(shown, 4);
    if (!here && event.target === input && data.rows) {
        const box = input.getBoundingClientRect();
        const [row, column] = [event.clientY - box.top, event.clientX - box.left].map((x) => Math.max(0, Math.min(27, Math.floor((x / box.width) * 28))));
        text = `row ${row + 1}, column ${column + 1}, ink ${number(data.ink[28 * row + column], 3)}`;
        shown = number(data.input[28 * row + column], 4);
    }
    tip.hidden = !text;
    if (!text) return;
    showTip(event.clientX + 14, event.clientY + 18, h("b", {}, shown), h("span", {}, text));
});
root.addEventListener("pointerleave", () => (tip.hidden = true));
// A click has the place in whole pixels only: not always on the pixel that was pointed at.
let pressed = null;
root.addEventListener("pointerdown", (event) => (pressed = pixel(event)));
root.addEventListener("click", (event) => {
    const here = pressed?.target === event.target ? pressed : pixel(event);
    if (!here || !data.rows || here.name === "kernels") return;
    const { target, ...place } = here;
    target.focus({ preventScroll: true });
    pick(place);
});
root.addEventListener("keydown", (event) => {
    const target = event.target.closest?.("canvas[data-key]");
    const move = { ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0],
        PageUp: [-1, 0, 0], PageDown: [1, 0, 0], Enter: [0, 0, 0] }[event.key];
    if (!target || !move || !data.rows || target.dataset.key === "kernels") return;
    event.preventDefault();
    const { key, channel: now } = target.dataset;
    const { canvases } = sections.get(key);
    const start = picked?.name === key && picked.channel === Number(now) ? picked
        : { channel: Number(now), row: target.height >> 1, column: target.width >> 1 };
    const [channel, row, column] = [canvases.length, target.height, target.width].map((count, i) =>
        Math.max(0, Math.min(count - 1, [start.channel, start.row, start.column][i] + move[i])));
    canvases[channel].focus();
    pick({ name: key, channel, row, column });
});

let chosen = 0;
const take = (now) => {
    data = { ...now };
    if (data.rows) {
        data.ink = unpack(data.digit);
        data.input = unpack(data.input);
        data.kernels &&= unpack(data.kernels);
        data.rows = data.rows.map((row) => ({ ...row, numbers: unpack(row.numbers) }));
    }
    draw();
};
const look = async (i) => {
    const now = given;
    if (!now.digits?.[i]) return;
    chosen = i;
    const question = ++looked;
    const found = await server.look({ digit: now.digits[i], stage: now.stage });
    if (question === looked) take(found ? { ...now, ...found } : { busy: true });
};
show((now) => {
    given = now;
    if (chosen && chosen < (now.digits ?? []).length) return look(chosen);
    looked += 1;
    chosen = 0;
    take(now);
});
hear("digit", (i) => look(i));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(draw, 100));
