import {useEffect, useState} from "preact/hooks";
import {Link, useLocation, useSearch} from "wouter-preact";
import {bytes, clock, count, exact, plural, span} from "../format.ts";
import {useLoad, useSettled, useTitle} from "../hooks.ts";
import {
  Action,
  ConnectionLink,
  Facts,
  Failure,
  Field,
  Page,
  TopicLink,
  UserLink,
  When,
  type Column,
} from "../parts.tsx";
import {act, look, of, query, reasonOf} from "../server.ts";
import {href, snapshot, tenant} from "../state.ts";
import type {Closed, Connection} from "../types.ts";
import {VirtualTable} from "../virtual.tsx";
import {Ended} from "./ended.tsx";

interface Found {
  connections: Connection[];
  cursor: string;
}

const age = (c: Connection) => span((Date.now() - Date.parse(c.since)) / 1000);

export const columns: Column<Connection>[] = [
  {name: "Connection", cell: (c) => <ConnectionLink id={c.id} />},
  {name: "User", cell: (c) => <UserLink name={c.user} />},
  {name: "Dialect", cell: (c) => c.dialect},
  {name: "Open for", number: true, cell: age},
  {name: "In", number: true, cell: (c) => count(c.in_messages)},
  {name: "Out", number: true, cell: (c) => count(c.out_messages)},
  {name: "Waiting", number: true, cell: (c) => (c.queued_bytes ? <strong>{bytes(c.queued_bytes)}</strong> : "0")},
  {name: "Topics", number: true, cell: (c) => exact(c.subscriptions.length)},
  {name: "From", cell: (c) => <code>{c.remote_address}</code>},
];

export function Connections() {
  useTitle("Connections");
  const [, navigate] = useLocation();
  const asked = new URLSearchParams(useSearch());
  const filters = {user: asked.get("user") ?? "", dialect: asked.get("dialect") ?? "", topic: asked.get("topic") ?? ""};
  const change = (values: Partial<typeof filters>) => {
    const all: Record<string, string> = {};
    for (const [name, value] of Object.entries({...filters, ...values})) if (value) all[name] = value;
    navigate(href("connections", all), {replace: true});
  };
  return (
    <Page
      title="Connections"
      intro="Those that are open now, oldest first. A user, a topic and a dialect are found by their whole names."
    >
      <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
        <Find
          label="User, or connection id"
          value={filters.user}
          search
          set={(text) =>
            /^ws-\d+(@|$)/.test(text) ? navigate(href("connections/" + encodeURIComponent(text))) : change({user: text})
          }
        />
        <Find label="Topic" value={filters.topic} set={(topic) => change({topic})} />
        <Field label="Dialect">
          <select value={filters.dialect} onChange={(e) => change({dialect: e.currentTarget.value})}>
            <option value="">all</option>
            {Object.keys(snapshot.value?.dialects ?? {})
              .sort()
              .map((d) => (
                <option key={d}>{d}</option>
              ))}
          </select>
        </Field>
      </form>
      <List key={JSON.stringify(filters) + tenant.value} filters={filters} />
    </Page>
  );
}

/** A field of a filter, which is obeyed when the typing pauses. */
export function Find(props: {label: string; value: string; set: (text: string) => void; search?: boolean}) {
  const [text, setText] = useState(props.value);
  const settled = useSettled(text, 350);
  useEffect(() => {
    if (settled.trim() !== props.value) props.set(settled.trim());
  }, [settled]);
  return (
    <Field label={props.label}>
      <input
        type="search"
        value={text}
        spellcheck={false}
        autocomplete="off"
        onInput={(e) => setText(e.currentTarget.value)}
        {...(props.search ? {"data-search": ""} : {})}
      />
    </Field>
  );
}

function List({filters}: {filters: Record<string, string>}) {
  const [more, setMore] = useState<Connection[]>([]);
  const [cursor, setCursor] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const beyond = more.length > 0;
  const page = (after: string, signal?: AbortSignal) =>
    look<Found>(of(tenant.value)`connections` + query({...filters, cursor: after, limit: 100}), signal);
  const first = useLoad((signal) => page("", signal), [], beyond ? 0 : 2000);
  const next = beyond ? cursor : (first.data?.cursor ?? "");
  const further = async () => {
    if (busy || !next) return;
    setBusy(true);
    try {
      const found = await page(next);
      setMore([...more, ...found.connections]);
      setCursor(found.cursor);
      setError("");
    } catch (cause) {
      setError(reasonOf(cause));
    }
    setBusy(false);
  };
  return (
    <When
      of={first}
      empty={(f) => f.connections.length === 0 && !f.cursor}
      none={Object.values(filters).some(Boolean) ? "No open connection is like that." : "Nobody is connected."}
    >
      {(found) => {
        const rows = [...found.connections, ...more];
        return (
          <>
            <VirtualTable
              caption={`${plural(rows.length, "connection")}${next ? ", and more below" : ""}`}
              rows={rows}
              columns={columns}
              rowKey={(c) => c.id}
              onEnd={beyond ? () => void further() : undefined}
            />
            {error && <Failure text={error} again={() => void further()} />}
            <p class="note">
              {beyond ? (
                <>
                  The list stands still, as it was read.{" "}
                  <button
                    type="button"
                    class="plain"
                    onClick={() => {
                      setMore([]);
                      first.refresh();
                    }}
                  >
                    Back to the live one
                  </button>
                </>
              ) : (
                "Live, every two seconds."
              )}
              {next && (
                <>
                  {" "}
                  <button type="button" class="plain" onClick={() => void further()} disabled={busy}>
                    Read on
                  </button>
                </>
              )}
            </p>
          </>
        );
      }}
    </When>
  );
}

export function ConnectionPage({params}: {params: {id: string}}) {
  const id = decodeURIComponent(params.id);
  useTitle(id);
  const [ending, setEnding] = useState(false); // nobody asks for it meanwhile
  const found = useLoad(
    (signal) => look<Connection | Closed>(of(tenant.value)`connections/${id}`, signal),
    [id, tenant.value],
    ending ? -1 : 1000,
  );
  const open = found.data && !found.error && !("state" in found.data);
  const kick = (
    <Action
      label="Disconnect…"
      title={`Disconnect ${id}`}
      confirm="Disconnect"
      danger
      text="Its client gets a close frame with this code and reason. Most clients come back at once."
      fields={<CloseFields />}
      done={() => setEnding(false)}
      run={async (values) => {
        setEnding(true);
        try {
          await act("DELETE", of(tenant.value)`connections/${id}`, closeBody(values));
        } catch (cause) {
          setEnding(false);
          throw cause;
        }
        return "Disconnected.";
      }}
    />
  );
  return (
    <Page title={id} actions={open && kick}>
      <p class="crumbs">
        <Link href={href(open ? "connections" : "closed")}>{open ? "Connections" : "Closed"}</Link>
      </p>
      <When of={found}>{(c) => ("state" in c ? <Ended c={c} /> : <Details c={c} />)}</When>
    </Page>
  );
}

export function CloseFields() {
  return (
    <>
      <Field label="Close code" hint="1000 to 1014 or 3000 to 4999; empty for the server's own.">
        <input name="code" inputMode="numeric" pattern="[0-9]{4}" />
      </Field>
      <Field label="Reason" hint="What the client is told, at most 123 bytes.">
        <input name="reason" maxLength={123} />
      </Field>
    </>
  );
}

export function closeBody(values: FormData): {code?: number; reason?: string} {
  const code = String(values.get("code") ?? ""),
    reason = String(values.get("reason") ?? "");
  return {...(code ? {code: Number(code)} : {}), ...(reason ? {reason} : {})};
}

function Details({c}: {c: Connection}) {
  return (
    <>
      <Facts
        all={[
          ["User", <UserLink name={c.user} />],
          ["Dialect", <Link href={href("connections", {dialect: c.dialect})}>{c.dialect}</Link>],
          ["Open since", `${clock(c.since)} (${age(c)})`],
          ["From", <code>{c.remote_address}</code>],
          ["Received", `${plural(c.in_messages, "message")}, ${bytes(c.in_bytes)}`],
          ["Sent", `${plural(c.out_messages, "message")}, ${bytes(c.out_bytes)}`],
          [
            "Waiting for it",
            c.queued_frames ? `${plural(c.queued_frames, "frame")}, ${bytes(c.queued_bytes)}` : "nothing",
          ],
          [
            "Came back",
            c.resumed
              ? `to ${plural(c.resumed.subscriptions, "subscription")}; ${plural(c.resumed.replayed, "event")} replayed, ${exact(c.resumed.missed)} missed`
              : "it is a first connection, or began anew",
          ],
        ]}
      />
      <h2>Subscriptions</h2>
      {c.subscriptions.length === 0 ? (
        <p class="note">None by its own wish. It hears what is sent to its user and to all.</p>
      ) : (
        <ul class="tags">
          {c.subscriptions.map((t) => (
            <li key={t}>
              <TopicLink name={t} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
