import assert from "node:assert/strict";
import {test} from "node:test";
import {bytes, count, curl, exact, millis, plural, pretty, quoted, rate, span} from "../src/format.ts";

test("a count has few digits", () => {
  for (const [n, want] of [
    [0, "0"],
    [999, "999"],
    [1234, "1.2k"],
    [12345, "12k"],
    [3.14, "3.1"],
    [2.5e6, "2.5M"],
    [7e9, "7.0G"],
    [-1500, "-1.5k"],
  ] as const)
    assert.equal(count(n), want);
});

test("sizes, rates and times have units", () => {
  assert.equal(bytes(1023), "1023 B");
  assert.equal(bytes(1536), "1.5 KiB");
  assert.equal(bytes(200 << 20), "200 MiB");
  assert.equal(rate(0.04), "0/s");
  assert.equal(rate(12.34), "12/s");
  assert.equal(millis(0.0415), "42 µs");
  assert.equal(millis(1.26), "1.3 ms");
  assert.equal(millis(41), "41 ms");
  assert.equal(millis(2500), "2.5 s");
});

test("a span has its two largest units", () => {
  for (const [s, want] of [
    [8, "8 s"],
    [61, "1 min 1 s"],
    [3000, "50 min"],
    [7260, "2 h 1 min"],
    [90000, "1 d 1 h"],
    [-5, "0 s"],
  ] as const)
    assert.equal(span(s), want);
});

test("every digit, in groups", () => {
  assert.equal(exact(1234567), "1\u202f234\u202f567");
  assert.equal(plural(1, "event"), "1 event");
  assert.equal(plural(1000, "event"), "1\u202f000 events");
});

test("what is no JSON stays as it is", () => {
  assert.equal(pretty('{"a":1}'), '{\n  "a": 1\n}');
  assert.equal(pretty("{"), "{");
});

test("a shell reads the curl line as it is meant", () => {
  assert.equal(quoted("it's"), `'it'\\''s'`);
  assert.equal(
    curl("http://h", "dev", {all: true, event: {kind: "json", data: {a: "it's"}}}),
    `curl -s http://h/api/v1/publish -H 'X-API-Key: dev' -d '{"all":true,"event":{"kind":"json","data":{"a":"it'\\''s"}}}'`,
  );
});
