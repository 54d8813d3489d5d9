// splice.test.js - the same stories as tests/unit/splice.c tells of the library in C.
import assert from "node:assert/strict";
import test from "node:test";
import { Splice } from "../lib/splice.js";

/** What is given of some events, in whatever order they come. */
const given = (splice, positions, log = "a") => positions.filter((position) => splice.event(log, position));

test("a stream without gaps is given as it comes", () => {
    const splice = new Splice("", 1);
    assert.deepEqual(given(splice, [1, 2, 3]), [1, 2, 3]);
    assert.deepEqual([splice.log, splice.given, splice.head, splice.wantsPage], ["a", 3, 3, false]);
});

test("what comes twice is given once, what comes too late not at all", () => {
    assert.deepEqual(given(new Splice("a", 3), [1, 2, 3, 3, 2, 4]), [3, 4]);
});

test("a jump is a gap, and a page fills it", () => {
    const splice = new Splice("a", 1);
    assert.deepEqual(given(splice, [1, 4, 5]), [1]);
    assert.ok(splice.wantsPage);
    assert.deepEqual(given(splice, [2, 3, 4], undefined), [2, 3, 4]);
    splice.pageEnd(4);
    assert.ok(splice.wantsPage, "5 was dropped from the stream");
    assert.deepEqual(given(splice, [5, 6]), [5, 6]);
    assert.ok(!splice.wantsPage);
});

test("a heartbeat that is ahead shows what was lost last", () => {
    const splice = new Splice("a", 1);
    given(splice, [1]);
    splice.heartbeat("a", 1);
    assert.ok(!splice.wantsPage);
    splice.heartbeat("a", 2);
    assert.ok(splice.wantsPage);
});

test("a page may show more than the stream has told", () => {
    const splice = new Splice("a", 1);
    splice.heartbeat("a", 2);
    given(splice, [1, 2], undefined);
    splice.pageEnd(9);
    assert.ok(splice.wantsPage);
});

test("now begins behind the first head, or with the first event", () => {
    const quiet = new Splice("", 0);
    assert.equal(quiet.given, undefined);
    quiet.heartbeat("a", 7);
    assert.deepEqual([quiet.given, quiet.wantsPage], [7, false]);
    assert.deepEqual(given(quiet, [7, 8]), [8]);
    assert.deepEqual(given(new Splice("", 0), [8, 9]), [8, 9]);
});

test("another log's positions mean nothing, until it is begun anew", () => {
    for (const stranger of [(s) => s.heartbeat("b", 3), (s) => s.event("b", 3)]) {
        const splice = new Splice("a", 3);
        stranger(splice);
        assert.deepEqual([splice.reset, splice.wantsPage, splice.log], [true, false, "a"]);
        assert.deepEqual(given(splice, [3]), []);
    }
});
