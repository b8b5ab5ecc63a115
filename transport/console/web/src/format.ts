// How figures are written for people. Nothing here touches the page.

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A count in at most four characters' worth of digits: 950, 1.2k, 12k, 3.4M. */
export function count(n: number): string {
  const a = Math.abs(n);
  if (a < 1000) return Number.isInteger(n) ? String(n) : n.toFixed(a < 10 ? 1 : 0);
  const [scaled, unit] = a < 1e6 ? [n / 1e3, "k"] : a < 1e9 ? [n / 1e6, "M"] : [n / 1e9, "G"];
  return (Math.abs(scaled) < 10 ? scaled.toFixed(1) : scaled.toFixed(0)) + unit;
}

/** Every digit, in groups of three. */
export function exact(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function bytes(n: number): string {
  let unit = 0;
  while (Math.abs(n) >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return (unit === 0 || Math.abs(n) >= 100 ? n.toFixed(0) : n.toFixed(1)) + " " + units[unit];
}

export function rate(n: number): string {
  return count(n >= 100 ? Math.round(n) : Math.round(n * 10) / 10) + "/s";
}

/** Milliseconds, with as many digits as they are worth. */
export function millis(ms: number): string {
  if (ms >= 1000) return (ms / 1000).toFixed(1) + " s";
  if (ms >= 10) return ms.toFixed(0) + " ms";
  if (ms >= 1) return ms.toFixed(1) + " ms";
  return (ms * 1000).toFixed(0) + " µs";
}

/** A time span in its two largest units: 3 d 4 h, 12 min, 8 s. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const d = Math.floor(s / 86400),
    h = Math.floor(s / 3600) % 24,
    m = Math.floor(s / 60) % 60;
  if (d > 0) return `${d} d ${h} h`;
  if (h > 0) return `${h} h ${m} min`;
  if (m > 0) return m < 10 ? `${m} min ${s % 60} s` : `${m} min`;
  return `${s} s`;
}

/** The time of day, with the date if it was another day. */
export function clock(iso: string | number, now = Date.now()): string {
  const at = new Date(iso),
    today = new Date(now);
  const pad = (n: number) => String(n).padStart(2, "0");
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  if (at.toDateString() === today.toDateString()) return time;
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

/** JSON with indents, or the text itself if it is none. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function plural(n: number, one: string, many = one + "s"): string {
  return `${exact(n)} ${n === 1 ? one : many}`;
}

/** A text as one word of a shell. */
export function quoted(text: string): string {
  return "'" + text.replaceAll("'", `'\\''`) + "'";
}

/** The curl line for a publish. */
export function curl(origin: string, key: string, body: unknown): string {
  return `curl -s ${origin}/api/v1/publish -H 'X-API-Key: ${key}' -d ${quoted(JSON.stringify(body))}`;
}
