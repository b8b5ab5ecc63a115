// The state of a server in one sentence, worst news first.

import {exact, millis, plural, span} from "./format.ts";
import type {Snapshot} from "./types.ts";

export type Mood = "well" | "warn" | "bad";

export interface Sentence {
  mood: Mood;
  text: string;
}

/** What happened within the last minute, by reason. */
export interface Minute {
  drops: Record<string, number>;
  missed: Record<string, number>;
}

const total = (by: Record<string, number>) => Object.values(by).reduce((sum, n) => sum + n, 0);

/** The reason with the most, "" if there is none. */
export function chief(by: Record<string, number>): string {
  return Object.entries(by).sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

/** How much each counter grew; a counter that fell belongs to a server that began anew. */
export function grown(before: Record<string, number>, now: Record<string, number>): Record<string, number> {
  const by: Record<string, number> = {};
  for (const [reason, n] of Object.entries(now)) {
    const more = n - (before[reason] ?? 0);
    if (more > 0) by[reason] = more;
  }
  return by;
}

const whyDropped: Record<string, string> = {
  slow: "readers do not keep up",
  stale: "newer events replaced them",
  busy: "queues were full",
  rate_limited: "limits were met",
  too_many: "there were too many",
  draining: "the server goes away",
};

/** The next of 1, 2, 5, 10, 20 ... milliseconds (and parts of one), so that a sentence does not flicker. */
export function roundUp(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(ms));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= ms * 0.999) ?? ms;
}

/** The sentence. `lost` says that the server did not answer for so many seconds. */
export function sentence(s: Snapshot, minute: Minute, lost = 0): Sentence {
  if (lost > 0) return {mood: "bad", text: `The server has not answered for ${span(lost)}.`};
  if (s.draining) return {mood: "warn", text: "The server is draining: its clients are sent elsewhere."};
  if (!s.ready.ok) return {mood: "bad", text: `Not ready: ${s.ready.error}.`};
  const stuck = s.stuck[0];
  if (stuck) {
    return {
      mood: "bad",
      text:
        `The ${stuck.actor} ${stuck.name} of ${stuck.tenant} has been stuck for ` +
        `${span(stuck.seconds)}, and ${plural(stuck.waiting, "message waits", "messages wait")} behind it.`,
    };
  }
  if (s.memory.stage !== "calm") {
    return {mood: "bad", text: `Memory is short: the server is ${s.memory.stage}.`};
  }
  if (s.storage) return {mood: "bad", text: `Durable topics take nothing: ${s.storage}.`};
  const missed = total(minute.missed),
    dropped = total(minute.drops);
  if (missed > 0) {
    return {
      mood: "warn",
      text: `Clients missed ${plural(missed, "event")} in the last minute (${chief(minute.missed)}).`,
    };
  }
  if (dropped > 0) {
    const why = chief(minute.drops);
    return {
      mood: "warn",
      text:
        `${plural(dropped, "event or request was", "events or requests were")} dropped in the ` +
        `last minute, since ${whyDropped[why] ?? `of ${why}`}.`,
    };
  }
  if (s.sockets.open > 0.9 * s.sockets.limit) {
    return {mood: "warn", text: `${exact(s.sockets.open)} of ${exact(s.sockets.limit)} possible sockets are open.`};
  }
  const p99 = s.sample.values[4] ?? 0;
  return {
    mood: "well",
    text:
      p99 > 0
        ? `All is well. Ninety-nine in a hundred events reach their sockets within ${millis(roundUp(p99))}.`
        : s.connections > 0
          ? "All is well, and all is quiet."
          : "All is well, and nobody is connected.",
  };
}
