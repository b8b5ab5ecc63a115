import assert from "node:assert/strict";
import {test} from "node:test";
import {grown, roundUp, sentence} from "../src/sentence.ts";
import type {Snapshot} from "../src/types.ts";

const calm: Snapshot = {
  time: 0,
  started: 0,
  connections: 3,
  peak: 3,
  topics: 1,
  received: 0,
  published: 0,
  delivered: 0,
  duplicates: 0,
  queued: 0,
  suspended_sessions: 0,
  drops: {},
  missed: {},
  restarts: {},
  dialects: {},
  memory: {stage: "calm", used: 1, limit: 2},
  sockets: {open: 3, limit: 100, descriptors: 200},
  ready: {ok: true, canary: 0.001, error: ""},
  storage: "",
  stuck: [],
  draining: false,
  sample: {time: 0, values: [3, 0, 0, 0, 0, 0, 0, 0, 0]},
};
const quiet = {drops: {}, missed: {}};

test("a calm server says so", () => {
  assert.deepEqual(sentence(calm, quiet), {mood: "well", text: "All is well, and all is quiet."});
  assert.match(sentence({...calm, connections: 0}, quiet).text, /nobody is connected/);
  assert.match(sentence({...calm, sample: {time: 1, values: [3, 1, 3, 1, 4.25]}}, quiet).text, /within 5.0 ms/);
});

test("the worst news comes first", () => {
  const stuck = {actor: "topic", tenant: "acme", name: "a/b", message: "publish", seconds: 61, waiting: 2};
  let s: Snapshot = {...calm, sockets: {open: 95, limit: 100, descriptors: 200}};
  const says = (mood: string, text: RegExp, minute = quiet, lost = 0) => {
    const got = sentence(s, minute, lost);
    assert.equal(got.mood, mood);
    assert.match(got.text, text);
  };
  says("warn", /95 of 100/);
  says("warn", /7 events or requests were dropped .* since readers do not keep up/, {
    drops: {slow: 6, busy: 1},
    missed: {},
  });
  says("warn", /missed 1 event .*position_lost/, {drops: {slow: 6}, missed: {position_lost: 1}});
  s = {...s, storage: "the disk is full"};
  says("bad", /Durable topics take nothing: the disk is full/, {drops: {slow: 6}, missed: {}});
  s = {...s, memory: {stage: "dropping", used: 2, limit: 2}};
  says("bad", /Memory is short: the server is dropping/);
  s = {...s, stuck: [stuck]};
  says("bad", /topic a\/b of acme has been stuck for 1 min 1 s, and 2 messages wait/);
  s = {...s, ready: {ok: false, canary: 0, error: "the canary is not back"}};
  says("bad", /Not ready: the canary is not back/);
  s = {...s, draining: true};
  says("warn", /draining/);
  says("bad", /has not answered for 12 s/, quiet, 12);
});

test("a counter that fell did not grow", () => {
  assert.deepEqual(grown({slow: 5, busy: 2}, {slow: 3, busy: 4, stale: 1}), {busy: 2, stale: 1});
});

test("a time is rounded up to one that people say", () => {
  for (const [ms, want] of [
    [0.065, 0.1],
    [0.258, 0.5],
    [1, 1],
    [1.1, 2],
    [4.3, 5],
    [51, 100],
  ] as const) {
    assert.ok(Math.abs(roundUp(ms) - want) < 1e-9, `${ms}: ${roundUp(ms)}`);
  }
});
