// What the page says about a picture that it cannot have.
import assert from "node:assert/strict";
import test from "node:test";
import { explained } from "../../mnistcore/page/static/camera.js";
import { tooLarge } from "../../mnistcore/page/static/upload.js";

test("a file of exactly the limit is sent, and a larger one never seems to have that size", () => {
    assert.equal(tooLarge(20_000_000, 20_000_000, "Pictures"), "");
    assert.match(
        tooLarge(20_000_001, 20_000_000, "Nets"),
        /^Nets can be at most 20 MB, and this one is 20\.1 MB/,
    );
});

test("each error of the camera says what to do", () => {
    for (const [name, todo] of [
        ["NotAllowedError", /Allow it for this page/],
        ["NotFoundError", /Connect one, or choose a picture/],
        ["OverconstrainedError", /Connect one, or choose a picture/],
        ["NotReadableError", /Close other programs/],
        ["AbortError", /Close other programs/],
    ])
        assert.match(explained({ name }), todo);
});
