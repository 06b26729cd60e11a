// A visitor's own net among the nets of the page.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.window = globalThis;
globalThis.document ??= new EventTarget();
const { choose, chosen, chosenForAll, parse } = await import(
    "../../mnistcore/page/static/choice.js"
);
const { forgetYours, setYours, swapYours, titleOf, yours, yoursName } = await import(
    "../../mnistcore/page/static/yours.js"
);

const props = {
    nets: ["LeNet", "all"],
    layers: { LeNet: ["conv1", "conv2"], MyNetV1: ["conv1", "conv4"], all: ["conv1", "conv2"] },
};
const net = (name) => ({ token: "secret", net: name, about: "trained here" });

test("one's own net can be chosen as long as it is there, with the layers of its kind", () => {
    assert.equal(parse("MyNetV1@secret conv4", props), null);
    setYours(net("MyNetV1"), true);
    assert.deepEqual(yours(), { ...net("MyNetV1"), other: null });
    assert.deepEqual(parse(`${yoursName()} conv4`, props), {
        net: "MyNetV1@secret",
        layer: "conv4",
    });
    assert.deepEqual(parse(`${yoursName()} conv2`, props).layer, "conv1");
    assert.equal(parse("MyNetV1@another conv4", props), null);
    assert.equal(parse("", props), null);
    forgetYours();
    assert.equal(parse("MyNetV1@secret conv4", props), null);
});

test("others get to know only the net that is like it", () => {
    setYours(net("LeNet"), true);
    choose(parse(`${yoursName()} conv2`, props));
    assert.equal(chosen().net, "LeNet@secret");
    assert.deepEqual(chosenForAll(props), { net: "LeNet", layer: "conv2" });
    setYours(net("MyNetV1"), true); // of which the page has no weights
    choose(parse(`${yoursName()} conv4`, props));
    assert.deepEqual(chosenForAll(props), { net: "LeNet", layer: "conv1" });
    forgetYours();
    forgetYours();
    assert.equal(parse("", props), null);
});

test("a newer net gives its place back", () => {
    const [first, second, third] = ["LeNet", "MyNetV1", "MyNetV2"].map(net);
    setYours(first, true);
    setYours(second, true);
    swapYours();
    assert.deepEqual(yours(), { ...first, other: { ...second, other: null } });
    setYours(third, true);
    assert.deepEqual(yours(), { ...third, other: { ...first, other: null } });
    forgetYours();
    assert.deepEqual(yours(), { ...first, other: null });
    forgetYours();
    assert.equal(yours(), null);
});

test("in a sentence, a net has its name", () => {
    assert.equal(titleOf("LeNet@secret"), "your LeNet");
    assert.equal(titleOf("LeNet"), "LeNet");
});
