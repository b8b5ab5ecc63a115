// What the server answers, as transport/console and openapi.json have it.

export interface Session {
  role: "" | "viewer" | "operator";
  dev: boolean;
  version: string;
  tenants: string[] | null;
  keys: boolean;
}

export interface Snapshot {
  time: number;
  started: number;
  connections: number;
  peak: number;
  topics: number;
  received: number;
  published: number;
  delivered: number;
  duplicates: number;
  queued: number;
  suspended_sessions: number;
  drops: Record<string, number>;
  missed: Record<string, number>;
  restarts: Record<string, number>;
  dialects: Record<string, number>;
  memory: {stage: string; used: number; limit: number};
  sockets: {open: number; limit: number; descriptors: number};
  ready: {ok: boolean; canary: number; error: string};
  storage: string;
  stuck: {actor: string; tenant: string; name: string; message: string; seconds: number; waiting: number}[];
  draining: boolean;
  sample: {time: number; values: number[]};
}

export const figures = [
  "connections",
  "published",
  "delivered",
  "p50",
  "p99",
  "queued",
  "dropped",
  "missed",
  "memory",
] as const;
export type Figure = (typeof figures)[number];

export interface History {
  times: number[];
  values: Record<Figure, number[]>;
}

export interface Connection {
  id: string;
  user: string;
  dialect: string;
  since: string;
  remote_address: string;
  in_messages: number;
  in_bytes: number;
  out_messages: number;
  out_bytes: number;
  queued_frames: number;
  queued_bytes: number;
  subscriptions: string[];
  resumed?: {subscriptions: number; replayed: number; missed: number};
}

export interface Topic {
  name: string;
  subscribers: number;
  epoch: string;
  offset: number;
  history_length: number;
}

export interface Entry {
  offset: number;
  id: string;
  kind: string;
  data: unknown;
  time: string;
}

export interface Rule {
  pattern: string;
  store: string;
  sync: string;
  slow: string;
  history_count: number;
  history_bytes: number;
  history_age: string;
  batch_window: string;
}

export interface User {
  user: string;
  presence: {online: boolean; since: string; connections: number};
  connections: Connection[];
}

export interface Tenant {
  tenant: string;
  suspended: boolean;
  figures: {
    totalConnections: number;
    activeConnections: number;
    messagesReceived: number;
    messagesSent: number;
    bytesReceived: number;
    bytesSent: number;
  };
}

export interface Setting {
  key: string;
  value: string;
  default: string;
  unit: string;
  help: string;
  origin: string;
}

export interface Backend {
  tenant: string;
  kind: string;
  done: number;
  failed: number;
  waiting: number;
  lost: number;
  failing: boolean;
  last_error: string;
  last_error_at?: string;
}

export interface Rendering {
  dialect: string;
  text: string | null;
}

export interface Verdict {
  reason: string;
  /** One sentence. */
  why: string;
  rule: string;
  request_id: string;
}

export interface Closed extends Verdict {
  state: "closed";
  id: string;
  user: string;
  dialect: string;
  remote_address: string;
  origin: string;
  since: string;
  closed: string;
  seconds: number;
  by: "client" | "server" | "network";
  code: number;
  in_messages: number;
  in_bytes: number;
  out_messages: number;
  out_bytes: number;
  queued_frames: number;
  queued_bytes: number;
  last_frames: {direction: string; kind: string; bytes: number}[];
}

export interface Refusal extends Verdict {
  tenant?: string;
  time: string;
  connection?: string;
  user: string;
  dialect: string;
  remote_address: string;
  origin: string;
  /** Of a handshake. */
  status?: number;
  /** Of a login. */
  code?: number;
}

export interface Explanation {
  allowed: boolean;
  trail: {rule: string; setting: string; at: string; value: string; verdict: "allowed" | "refused"}[];
  decided: number;
  advice?: string;
}
