import assert from "node:assert/strict";
import test from "node:test";
import { decode, encode, LONGEST } from "../../mnistcore/page/static/link.js";

// Numbers in [0, 1), the same in every run (a linear congruential generator).
const random = () => {
    let state = 1;
    return () => {
        state = (1103515245 * state + 12345) % 2 ** 31;
        return state / 2 ** 31;
    };
};
const stroke = (count, next = random()) => ({
    points: Array.from({ length: count }, () => [
        Math.round(1680 * next()) / 4,
        Math.round(1120 * next()) / 4,
    ]),
    width: 20,
    erase: false,
});
// The letters of a link that holds any JSON.
const pack = async (json) => {
    const stream = new Blob([json]).stream().pipeThrough(new CompressionStream("deflate"));
    return Buffer.from(await new Response(stream).arrayBuffer()).toString("base64url");
};

const DRAWING = [
    stroke(100),
    { points: [[-3.25, 280.5]], width: 8, erase: true },
    { picture: "data:image/png;base64,iVBORw0KGgo+/w==" },
    {
        points: [
            [0, 0],
            [0.25, 0],
        ],
        width: 40,
        erase: false,
    },
];

test("a drawing comes back exactly", async () => {
    const letters = await encode(DRAWING);
    assert.match(letters, /^[\w-]+$/);
    assert.deepEqual(await decode(letters), DRAWING);
    assert.deepEqual(await decode(await encode([])), []);
});

test("a damaged letter is found, wherever it is", async () => {
    const letters = await encode(DRAWING);
    for (let at = 0; at < letters.length - 1; at += 7) {
        const other = letters[at] === "A" ? "B" : "A";
        const damaged = letters.slice(0, at) + other + letters.slice(at + 1);
        await assert.rejects(decode(damaged), `letter ${at}`);
    }
});

test("links that are cut off, too long or of something else are refused", async () => {
    const letters = await encode(DRAWING);
    for (const foreign of [
        letters.slice(0, -4),
        `${letters}AAAA`,
        `${letters}!`,
        letters.slice(4),
        "A".repeat(LONGEST + 1),
        "hello",
        "",
    ])
        await assert.rejects(decode(foreign), `"${foreign.slice(0, 20)}"`);
});

test("what is not a drawing is refused, with its checksum in order", async () => {
    for (const json of [
        "null",
        "7",
        "{}",
        "[null]",
        "[[]]",
        "[[20,0]]", // no point
        "[[20,0,1]]", // half a point
        "[[7,0,1,1]]", // too thin
        "[[41,0,1,1]]", // too thick
        "[[20,2,1,1]]",
        "[[20,0,1.5,1]]",
        "[[20,0,1e999,1]]",
        '[[20,0,"1",1]]',
        JSON.stringify([[20, 0, ...Array(60_000).fill(1)]]), // a few letters that unpack to many
    ])
        await assert.rejects(decode(await pack(json)), json.slice(0, 20));
    assert.equal((await decode(await pack("[[20,1,4,8]]")))[0].points[0][1], 2);
});

test("a drawing that is too long for a link has none", async () => {
    assert.equal(await encode([stroke(10_000)]), null);
    const next = random();
    const strokes = Array.from({ length: 40 }, () => stroke(30, next));
    const letters = await encode(strokes);
    assert.ok(letters.length > LONGEST / 2 && letters.length <= LONGEST, String(letters.length));
    assert.deepEqual(await decode(letters), strokes);
    const more = Array.from({ length: 40 }, () => stroke(30, next));
    assert.equal(await encode([...strokes, ...more]), null);
});
