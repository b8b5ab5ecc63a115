// The one way to ask the server.

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What to do when the session has ended; set by state.ts. */
export const onStranger: {do: () => void} = {do: () => {}};

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = {method, credentials: "same-origin"};
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = {"Content-Type": "application/json"};
  }
  let answer: Response;
  try {
    answer = await fetch("/console/api/" + path, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new Refused(0, "unreachable", "the server does not answer");
  }
  const text = await answer.text();
  if (answer.ok) return (text ? JSON.parse(text) : undefined) as T;
  let code = String(answer.status),
    message = text || answer.statusText;
  try {
    ({code, message} = (JSON.parse(text) as {error: {code: string; message: string}}).error);
  } catch {
    // a proxy between us and the server answers in its own words
  }
  if (answer.status === 401 && path !== "session") onStranger.do();
  throw new Refused(answer.status, code, message);
}

export const look = <T>(path: string, signal?: AbortSignal) => ask<T>("GET", path, undefined, signal);
export const act = <T>(method: "POST" | "DELETE" | "PUT", path: string, body?: unknown) => ask<T>(method, path, body);

/** The path of a tenant's call: of(tenant)`connections/${id}`. Values are encoded. */
export const of =
  (tenant: string) =>
  (parts: TemplateStringsArray, ...values: string[]) =>
    `t/${encodeURIComponent(tenant)}/v1/` +
    parts.map((part, i) => part + (i < values.length ? encodeURIComponent(values[i] ?? "") : "")).join("");

/** A query of those values that are not empty. */
export function query(values: Record<string, string | number | undefined>): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== "") all.set(name, String(value));
  const text = all.toString();
  return text ? "?" + text : "";
}

export const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
