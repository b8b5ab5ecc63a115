import {useState} from "preact/hooks";
import {Link, useLocation, useSearch} from "wouter-preact";
import {bytes, clock, exact, plural, span} from "../format.ts";
import {useLoad, useTitle} from "../hooks.ts";
import {ConnectionLink, Facts, Failure, Page, Table, UserLink, When, type Column} from "../parts.tsx";
import {look, of, query, reasonOf} from "../server.ts";
import {href, tenant} from "../state.ts";
import type {Closed, Refusal} from "../types.ts";
import {Find} from "./connections.tsx";

const closedColumns: Column<Closed>[] = [
  {name: "Closed", cell: (c) => clock(c.closed)},
  {name: "Connection", cell: (c) => <ConnectionLink id={c.id} />},
  {name: "Why", cell: (c) => c.why},
  {name: "User", cell: (c) => <UserLink name={c.user} />},
  {name: "Lasted", number: true, cell: (c) => span(c.seconds)},
  {name: "Dialect", cell: (c) => c.dialect},
  {name: "From", cell: (c) => <code>{c.remote_address}</code>},
];

const refusalColumns: Column<Refusal>[] = [
  {name: "Refused", cell: (r) => clock(r.time)},
  {name: "Answer", cell: (r) => (r.status ? `HTTP ${r.status}` : `code ${r.code}`)},
  {name: "Why", cell: (r) => r.why},
  {name: "Rule", cell: (r) => <code>{r.rule}</code>},
  {name: "User", cell: (r) => <UserLink name={r.user} />},
  {name: "Dialect", cell: (r) => r.dialect || <span class="quiet">none</span>},
  {name: "From", cell: (r) => <code>{r.remote_address}</code>},
  {name: "Origin", cell: (r) => r.origin && <code>{r.origin}</code>},
  {name: "Request", cell: (r) => <code>{r.request_id}</code>},
];

/** The filters of a list of what the recorder keeps, in the address of the page. */
function useFilters(slug: string, names: string[]) {
  const [, navigate] = useLocation();
  const asked = new URLSearchParams(useSearch());
  const filters = Object.fromEntries(names.map((name) => [name, asked.get(name) ?? ""]));
  const set = (name: string, value: string) => {
    const all = Object.entries({...filters, [name]: value}).filter(([, v]) => v);
    navigate(href(slug, Object.fromEntries(all)), {replace: true});
  };
  return {filters, set};
}

const labels: Record<string, string> = {
  user: "User",
  address: "Address",
  reason: "Reason",
  request_id: "Request id",
};

function Filters(props: {of: Record<string, string>; set: (name: string, value: string) => void}) {
  return (
    <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
      {Object.entries(props.of).map(([name, value], i) => (
        <Find
          key={name}
          label={labels[name] ?? name}
          value={value}
          set={(text) => props.set(name, text)}
          search={i === 0}
        />
      ))}
    </form>
  );
}

/** A page of entries, newest first, and further ones behind it. */
function Entries<T>(props: {
  path: (more: Record<string, string | number>) => string;
  rows: (answer: never) => T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  one: string;
  none: string;
}) {
  const [more, setMore] = useState<T[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [error, setError] = useState("");
  const read = async (after: string, signal?: AbortSignal) => {
    const answer = await look<{cursor: string}>(props.path({cursor: after, limit: 100}), signal);
    return {rows: props.rows(answer as never), cursor: answer.cursor};
  };
  const first = useLoad((signal) => read("", signal), [], cursor === undefined ? 3000 : 0);
  const next = cursor ?? first.data?.cursor ?? "";
  const further = async () => {
    try {
      const found = await read(next);
      setMore([...more, ...found.rows]);
      setCursor(found.cursor);
      setError("");
    } catch (cause) {
      setError(reasonOf(cause));
    }
  };
  return (
    <When of={first} empty={(found) => found.rows.length === 0} none={props.none}>
      {(found) => {
        const rows = [...found.rows, ...more];
        return (
          <>
            <Table
              caption={`${plural(rows.length, props.one)}${next ? ", and older ones" : ""}`}
              rows={rows}
              columns={props.columns}
              rowKey={props.rowKey}
            />
            {error && <Failure text={error} />}
            {next && (
              <p class="note">
                <button type="button" class="plain" onClick={() => void further()}>
                  Read on
                </button>
              </p>
            )}
          </>
        );
      }}
    </When>
  );
}

export function ClosedConnections() {
  useTitle("Closed");
  const {filters, set} = useFilters("closed", ["user", "address", "reason"]);
  return (
    <Page
      title="Closed"
      intro="Connections that have ended, newest first, each with the reason. The server remembers the last 10,000 (engine.recorder)."
    >
      <Filters of={filters} set={set} />
      <Entries<Closed>
        key={JSON.stringify(filters) + tenant.value}
        path={(more) => of(tenant.value)`connections` + query({state: "closed", ...filters, ...more})}
        rows={(answer: {connections: Closed[]}) => answer.connections}
        columns={closedColumns}
        rowKey={(c) => c.id}
        one="connection"
        none={
          Object.values(filters).some(Boolean)
            ? "No connection that has ended is like that."
            : "No connection has ended since the server started."
        }
      />
    </Page>
  );
}

export function Refusals() {
  useTitle("Refused");
  const {filters, set} = useFilters("refused", ["address", "user", "reason", "request_id"]);
  const [all, setAll] = useState(false);
  const columns = all
    ? [...refusalColumns, {name: "Tenant", cell: (r: Refusal) => r.tenant || <span class="quiet">none</span>}]
    : refusalColumns;
  return (
    <Page
      title="Refused"
      intro="Handshakes and logins that were refused, newest first. A client finds its request id in the answer that it got."
    >
      <Filters of={filters} set={set} />
      <label class="check">
        <input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /> Of all tenants, and of
        clients that came to none
      </label>
      <Entries<Refusal>
        key={JSON.stringify(filters) + tenant.value + String(all)}
        path={(more) => (all ? "admin/refusals" : of(tenant.value)`refusals`) + query({...filters, ...more})}
        rows={(answer: {refusals: Refusal[]}) => answer.refusals}
        columns={columns}
        rowKey={(r) => r.time + r.request_id + (r.connection ?? "")}
        one="refusal"
        none={Object.values(filters).some(Boolean) ? "No refusal is like that." : "Nobody has been refused."}
      />
    </Page>
  );
}

/** What is left of a connection that has ended. */
export function Ended({c}: {c: Closed}) {
  return (
    <>
      <p class="verdict">{c.why}</p>
      <Facts
        all={[
          ["Closed", `${clock(c.closed)}, after ${span(c.seconds)}`],
          ["By", `the ${c.by}, with code ${c.code}`],
          ["Reason", <Link href={href("closed", {reason: c.reason})}>{c.reason}</Link>],
          ["Rule", c.rule ? <code>{c.rule}</code> : "none"],
          ["User", <UserLink name={c.user} />],
          ["Dialect", c.dialect],
          ["From", <Link href={href("closed", {address: c.remote_address})}>{c.remote_address}</Link>],
          ["Origin", c.origin || "none"],
          ["Received", `${plural(c.in_messages, "message")}, ${bytes(c.in_bytes)}`],
          ["Sent", `${plural(c.out_messages, "message")}, ${bytes(c.out_bytes)}`],
          [
            "Waited for it",
            c.queued_frames ? `${plural(c.queued_frames, "frame")}, ${bytes(c.queued_bytes)}` : "nothing",
          ],
          [
            "Its last messages",
            c.last_frames.length ? c.last_frames.map((f) => `${f.kind}, ${exact(f.bytes)} B`).join("; ") : "none",
          ],
          ["Request", <code>{c.request_id}</code>],
        ]}
      />
    </>
  );
}
