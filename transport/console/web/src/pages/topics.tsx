import {useEffect, useRef, useState} from "preact/hooks";
import {Link, useLocation, useSearch} from "wouter-preact";
import {bytes, clock, exact, plural, rate} from "../format.ts";
import {useLoad, useTitle} from "../hooks.ts";
import {Facts, Failure, Page, Table, TopicLink, When} from "../parts.tsx";
import {Publish} from "../publish.tsx";
import {look, of, query, reasonOf} from "../server.ts";
import {href, tenant} from "../state.ts";
import type {Entry, Rule, Topic} from "../types.ts";
import {VirtualTable} from "../virtual.tsx";
import {Find} from "./connections.tsx";

interface Found {
  topics: Topic[];
  cursor: string;
}

export function Topics() {
  useTitle("Topics");
  const [, navigate] = useLocation();
  const prefix = new URLSearchParams(useSearch()).get("prefix") ?? "";
  return (
    <Page title="Topics" intro="Those that exist now or are on disk, by name.">
      <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
        <Find
          label="Names that begin with"
          value={prefix}
          search
          set={(text) => navigate(href("topics", text ? {prefix: text} : {}), {replace: true})}
        />
      </form>
      <List key={prefix + " " + tenant.value} prefix={prefix} />
    </Page>
  );
}

function List({prefix}: {prefix: string}) {
  const [more, setMore] = useState<Topic[]>([]);
  const [cursor, setCursor] = useState("");
  const [error, setError] = useState("");
  const page = (after: string, signal?: AbortSignal) =>
    look<Found>(of(tenant.value)`topics` + query({prefix, cursor: after, limit: 100}), signal);
  const first = useLoad((signal) => page("", signal), [], more.length ? 0 : 2000);
  const next = more.length ? cursor : (first.data?.cursor ?? "");
  const further = async () => {
    try {
      const found = await page(next);
      setMore([...more, ...found.topics]);
      setCursor(found.cursor);
    } catch (cause) {
      setError(reasonOf(cause));
    }
  };
  return (
    <When
      of={first}
      empty={(f) => f.topics.length === 0}
      none={prefix ? "No topic begins so." : "There is no topic yet."}
    >
      {(found) => {
        const rows = [...found.topics, ...more];
        return (
          <>
            <VirtualTable
              caption={plural(rows.length, "topic") + (next ? ", and more" : "")}
              rows={rows}
              rowKey={(t) => t.name}
              columns={[
                {name: "Topic", cell: (t) => <TopicLink name={t.name} />},
                {name: "Subscribers", number: true, cell: (t) => exact(t.subscribers)},
                {name: "Events", number: true, cell: (t) => exact(t.offset)},
                {name: "Remembered", number: true, cell: (t) => exact(t.history_length)},
                {name: "Epoch", cell: (t) => <code>{t.epoch}</code>},
              ]}
            />
            {error && <Failure text={error} />}
            <p class="note">
              {more.length ? "The list stands still, as it was read." : "Live, every two seconds."}
              {next && (
                <>
                  {" "}
                  <button type="button" class="plain" onClick={() => void further()}>
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

const tail = 20;

async function newest(name: string, t: Topic, signal: AbortSignal): Promise<Entry[]> {
  if (t.history_length === 0) return [];
  const after = t.offset - Math.min(tail, t.history_length);
  const path = of(tenant.value)`topics/${name}/history`;
  const found = await look<{events: Entry[]}>(path + query({epoch: t.epoch, offset: after, limit: tail}), signal);
  return found.events.reverse();
}

export function TopicPage({params}: {params: {name: string}}) {
  const name = decodeURIComponent(params.name);
  useTitle(name);
  const before = useRef<{at: number; offset: number} | null>(null);
  const [speed, setSpeed] = useState(0);
  const found = useLoad(
    async (signal) => {
      const page = await look<Found>(of(tenant.value)`topics` + query({prefix: name, limit: 1}), signal);
      const topic = page.topics[0];
      if (topic?.name !== name) return {topic: undefined, events: []};
      return {topic, events: await newest(name, topic, signal)};
    },
    [name, tenant.value],
    1000,
  );
  useEffect(() => {
    const topic = found.data?.topic,
      last = before.current,
      at = Date.now();
    if (!topic) return;
    if (last && at > last.at) setSpeed(Math.max(0, ((topic.offset - last.offset) * 1000) / (at - last.at)));
    before.current = {at, offset: topic.offset};
  }, [found.data]);
  const rule = useLoad(
    (signal) => look<Rule>("rule" + query({tenant: tenant.value, topic: name}), signal),
    [name, tenant.value],
  );
  return (
    <Page title={name}>
      <p class="crumbs">
        <Link href={href("topics")}>Topics</Link>
        {name.includes("/") && (
          <>
            {" "}
            · below <TopicLink name={name.slice(0, name.lastIndexOf("/"))} />
          </>
        )}
      </p>
      <When of={found} empty={(f) => !f.topic} none="There is no such topic now. A publish makes it.">
        {({topic: t}) =>
          t && (
            <Facts
              all={[
                ["Subscribers", <Link href={href("connections", {topic: name})}>{exact(t.subscribers)}</Link>],
                ["Rate", rate(speed)],
                ["Events", `${exact(t.offset)} in epoch ${t.epoch}`],
                ["Remembered", exact(t.history_length)],
              ]}
            />
          )
        }
      </When>
      <h2>Rule</h2>
      <When of={rule}>{(r) => <RuleFacts r={r} />}</When>
      <h2>Newest events</h2>
      <When of={found} empty={(f) => f.events.length === 0} none="It remembers none.">
        {({events}) => (
          <Table
            caption={`The newest ${plural(events.length, "event")} of ${name}, live`}
            rows={events}
            rowKey={(e) => String(e.offset)}
            columns={[
              {name: "Offset", number: true, cell: (e) => exact(e.offset)},
              {name: "Time", cell: (e) => clock(e.time)},
              {name: "Kind", cell: (e) => e.kind},
              {name: "Data", cell: (e) => <code class="data">{JSON.stringify(e.data)}</code>},
            ]}
          />
        )}
      </When>
      <h2>Publish</h2>
      <Publish to={{topic: name}} start="json" legend={`Publish to ${name}`} done={found.refresh} />
    </Page>
  );
}

function RuleFacts({r}: {r: Rule}) {
  return (
    <Facts
      all={[
        [
          "Covered by",
          r.pattern ? (
            <Link href={href("settings", {find: r.pattern})}>
              <code>{r.pattern}</code>
            </Link>
          ) : (
            "no rule; the defaults hold"
          ),
        ],
        [
          "Kept",
          r.store === "durable"
            ? `on disk, answered ${r.sync === "always" ? "when it is there" : "before it is there"}`
            : "in memory",
        ],
        [
          "A slow reader",
          {disconnect: "is disconnected", "drop-oldest": "loses the oldest", conflate: "hears the newest of each key"}[
            r.slow
          ] ?? r.slow,
        ],
        ["Remembers at most", `${plural(r.history_count, "event")}, ${bytes(r.history_bytes)}, ${r.history_age}`],
        ["Batches", r.batch_window === "0s" ? "nothing waits" : `what comes within ${r.batch_window}`],
      ]}
    />
  );
}
