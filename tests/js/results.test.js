// The chart of the first table on the Benchmark tab.
import assert from "node:assert/strict";
import test from "node:test";
import { ends } from "../../mnistcore/page/static/results.js";

test("the chart holds every interval and every reference, on whichever side", () => {
    const net = { interval: [0.993, 0.996], reference: null };
    const inside = ([low, high]) => [low < 0.993, high > 0.996];
    assert.deepEqual(inside(ends([net])), [true, true]);
    const [low] = ends([net, { interval: [0.994, 0.995], reference: 0.98 }]);
    assert.ok(low < 0.98 && low > 0.979);
    const [, high] = ends([net, { interval: [0.994, 0.995], reference: 0.999 }]);
    assert.ok(high > 0.999 && high <= 1);
});
