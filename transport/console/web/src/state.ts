// What all pages share: who looks, at which tenant, and the node's figures. A snapshot comes once a second while the
// page is visible, and never otherwise.

import {computed, effect, signal} from "@preact/signals";
import {look, onStranger} from "./server.ts";
import {grown, sentence, type Minute} from "./sentence.ts";
import type {Session, Snapshot} from "./types.ts";

export const session = signal<Session | null>(null);
export const failure = signal("");
export const snapshot = signal<Snapshot | null>(null);
/** The snapshots of the last minute, oldest first. */
export const recent = signal<Snapshot[]>([]);
/** For how many seconds the server has not answered. */
const lost = signal(0);

export const mayAct = computed(() => session.value?.role === "operator");
export const minute = computed<Minute>(() => {
  const first = recent.value[0],
    now = snapshot.value;
  if (!first || !now) return {drops: {}, missed: {}};
  return {drops: grown(first.drops, now.drops), missed: grown(first.missed, now.missed)};
});
export const state = computed(() => {
  const now = snapshot.value;
  if (!now) return {mood: "well" as const, text: "Looking at the server."};
  return sentence(now, minute.value, lost.value > 2 ? lost.value : 0);
});
/** Messages from clients per second, which the history does not have. */
export const received = computed(() => {
  const [before, now] = recent.value.slice(-2);
  if (!before || !now || now.time <= before.time) return 0;
  return Math.max(0, ((now.received - before.received) * 1000) / (now.time - before.time));
});

export const tenant = signal(new URLSearchParams(location.search).get("tenant") ?? "");

export type Theme = "auto" | "light" | "dark";
export const theme = signal<Theme>((localStorage.getItem("theme") as Theme | null) ?? "auto");
effect(() => {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  localStorage.setItem("theme", theme.value);
});

/** Single keys that do something, which a person can switch off. */
export const shortcuts = signal(localStorage.getItem("shortcuts") !== "off");
effect(() => localStorage.setItem("shortcuts", shortcuts.value ? "on" : "off"));

onStranger.do = () => {
  if (session.value) session.value = {...session.value, role: ""};
};

export async function loadSession(): Promise<void> {
  try {
    const found = await look<Session>("session");
    const tenants = found.tenants ?? [];
    if (!tenants.includes(tenant.value)) tenant.value = tenants[0] ?? "";
    failure.value = "";
    session.value = found;
  } catch (error) {
    failure.value = error instanceof Error ? error.message : String(error);
  }
}

let asking = false;
let heardAt = Date.now();

/** Asks for a snapshot, unless the last question is still open or nobody sees the page. */
async function takeSnapshot(): Promise<void> {
  if (document.hidden || !session.value?.role) {
    heardAt = Date.now();
    return;
  }
  if (!asking) {
    asking = true;
    try {
      keep(await look<Snapshot>("snapshot", AbortSignal.timeout(10_000)));
      heardAt = Date.now();
    } catch {
      // the sentence says for how long there was no answer
    }
    asking = false;
  }
  lost.value = Math.round((Date.now() - heardAt) / 1000);
}

function keep(now: Snapshot): void {
  const fits = (s: Snapshot) => s.time > now.time - 60_000 && s.started === now.started && s.time < now.time;
  recent.value = [...recent.value.filter(fits), now];
  snapshot.value = now;
}

export function start(): void {
  void loadSession().then(takeSnapshot);
  setInterval(() => void takeSnapshot(), 1000);
  document.addEventListener("visibilitychange", () => void takeSnapshot());
}

/** The address of a page, with the tenant where there are several. */
export function href(path: string, parameters: Record<string, string> = {}): string {
  const all = new URLSearchParams(parameters);
  if ((session.value?.tenants?.length ?? 0) > 1) all.set("tenant", tenant.value);
  const text = all.toString();
  return "/console/" + path + (text ? "?" + text : "");
}
