// Clients of the five protocols, as their documents' own pages are: each opens a WebSocket, shows its token in the
// protocol's way and asks for what it wants to hear. Nothing here touches the page.

export interface Client {
  name: string;
  /** What it is, in a few words. */
  what: string;
  /** The address as the protocol has it, and what stands in its query. */
  path: string;
  query?: (token: string) => Record<string, string>;
  /** The cookie that shows the token, for protocols that have it there. */
  cookie?: string;
  /** What it sends first. */
  says: (token: string) => unknown[];
  /** A short word for a frame, "" for one that is only about the connection. */
  hears: (frame: Record<string, unknown>) => string;
  /** False if its clients do not say who they are in dev mode, so that nothing waits for them. */
  known: boolean;
}

const text = (value: unknown) => (typeof value === "string" ? value : "");

export const clients: Client[] = [
  {
    name: "dashboard",
    what: "a page that shows projects; anonymous here",
    path: "/api/v2/dashboard/ws",
    says: () => [],
    hears: (f) => (f["event"] === "connected" || f["event"] === "heartbeat" ? "" : text(f["event"])),
    known: false,
  },
  {
    name: "valtronics",
    what: "a device dashboard; one message per channel",
    path: "/ws/telemetry",
    says: (token) => [
      {type: "auth", token},
      ...["telemetry", "alerts", "devices"].map((channel) => ({type: "subscribe", channel})),
    ],
    hears: (f) =>
      /_response$|^(connection|connected|subscribed|subscription|pong|ping|heartbeat)/.test(text(f["type"]))
        ? ""
        : text(f["type"]),
    known: true,
  },
  {
    name: "notify",
    what: "a page that hears what concerns its user",
    path: "/api/v1/ws",
    query: (token) => ({access_token: token}),
    says: () => [],
    hears: (f) => ("level" in f ? "message" : "json"),
    known: true,
  },
  {
    name: "authentik",
    what: "a page that shows notices; its token is a cookie",
    path: "/ws/client/",
    cookie: "authentik_session",
    says: () => [],
    hears: (f) => text(f["message_type"]),
    known: true,
  },
  {
    name: "airlay",
    what: "an editor that attaches to objects",
    path: "/ws",
    says: (auth) => [
      {auth, action: "attach", event: {type: "notification"}},
      {auth, action: "attach", event: {type: "issueUpdate", id: "610217e481f6fc54736209e0"}},
    ],
    hears: (f) => ("status" in f ? "" : text(f["type"])),
    known: true,
  },
];

/** Where a client connects: through a cable of its own, which the server can cut. */
export function address(client: Client, cable: string, token: string, key: string): string {
  const all = new URLSearchParams({...client.query?.(token), client_id: key});
  return `/console/cable/${cable}${client.path}?${all}`;
}

/** A frame without what nobody wants to read again and again: tokens. */
export function shown(frame: string, token: string): string {
  return token ? frame.replaceAll(token, "TOKEN") : frame;
}
