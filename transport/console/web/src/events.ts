// Sample data for each kind of event, to begin from.

export const kinds = [
  "message",
  "json",
  "project_updated",
  "telemetry",
  "alert",
  "device_status",
  "system_status",
  "object",
  "trigger_update",
] as const;
export type Kind = (typeof kinds)[number];

const now = () => new Date().toISOString();

export function sample(kind: Kind): unknown {
  switch (kind) {
    case "message":
      return {level: "info", title: "Hello", message: "Everyone hears this"};
    case "json":
      return {message: "anything", count: 1};
    case "project_updated":
      return {project_name: "my-project", trigger: "audit"};
    case "telemetry":
      return {device_id: 1, telemetry: {temperature: {value: 21.5, unit: "C", timestamp: now()}}};
    case "alert":
      return {alert_id: 1, device_id: 1, severity: "critical", title: "Hot", message: "Too hot"};
    case "device_status":
      return {device_id: 1, old_status: "online", new_status: "offline"};
    case "system_status":
      return {metrics: {cpu_percent: 12}};
    case "object":
      return {type: "issueUpdate", id: "610217e481f6fc54736209e0", data: {state: "closed"}};
    case "trigger_update":
      return {outpost: "0b5d8d2c-6f1c-4a86-9f0a-2a7d9a1b3c4d"};
  }
}

/** Kinds that name their topic themselves. */
export const hasHome = (kind: Kind) => kind !== "message" && kind !== "json";
