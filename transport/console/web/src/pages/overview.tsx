import {useEffect, useMemo, useState} from "preact/hooks";
import {Link} from "wouter-preact";
import {Sentence} from "../app.tsx";
import {Chart} from "../chart.tsx";
import {bytes, count, exact, millis, rate, span} from "../format.ts";
import {useLoad, useTitle} from "../hooks.ts";
import {Choice, Table, When} from "../parts.tsx";
import {look} from "../server.ts";
import {href, minute, received, snapshot} from "../state.ts";
import {figures, type History, type Snapshot} from "../types.ts";

type Range = "seconds" | "minutes";

export function Overview() {
  useTitle("Overview");
  const now = snapshot.value;
  return (
    <>
      <Sentence />
      {now ? (
        <>
          <Tiles now={now} />
          <Charts now={now} />
          <Reasons now={now} />
        </>
      ) : (
        <p class="note" role="status">
          Loading…
        </p>
      )}
    </>
  );
}

function Tiles({now}: {now: Snapshot}) {
  const v = now.sample.values,
    sum = (by: Record<string, number>) => Object.values(by).reduce((a, b) => a + b, 0);
  const dropped = sum(minute.value.drops),
    missed = sum(minute.value.missed);
  const {memory, sockets} = now;
  return (
    <dl class="tiles">
      <Tile name="Connections" value={exact(now.connections)} more={`peak ${exact(now.peak)}`} />
      <Tile name="Published" value={rate(v[1] ?? 0)} more={`${count(now.published)} so far`} />
      <Tile name="Delivered" value={rate(v[2] ?? 0)} more={`${count(now.delivered)} so far`} />
      <Tile name="From clients" value={rate(received.value)} more={`${count(now.received)} so far`} />
      <Tile
        name="Publish to socket"
        value={v[4] ? millis(v[4]) : "–"}
        more={v[4] ? `p99; p50 ${millis(v[3] ?? 0)}` : "nothing to measure"}
      />
      <Tile
        name="Waiting for readers"
        value={bytes(now.queued)}
        more={now.suspended_sessions ? `${exact(now.suspended_sessions)} sessions wait, too` : "in all queues"}
      />
      <Tile name="Dropped" value={exact(dropped)} more="in the last minute" mood={dropped ? "warn" : ""} />
      <Tile name="Missed" value={exact(missed)} more="in the last minute" mood={missed ? "warn" : ""} />
      <Tile
        name="Memory"
        value={bytes(memory.used)}
        more={memory.limit ? `${memory.stage}; of ${bytes(memory.limit)}` : memory.stage}
        mood={memory.stage === "calm" ? "" : "bad"}
      />
      <Tile
        name="Sockets"
        value={exact(sockets.open)}
        more={`of ${exact(sockets.limit)}; ${exact(sockets.descriptors)} descriptors`}
        mood={sockets.open > 0.9 * sockets.limit ? "warn" : ""}
      />
      <Tile
        name="Canary"
        value={now.ready.ok ? millis(now.ready.canary * 1000) : "lost"}
        more={now.ready.ok ? "through every shard" : "see above"}
        mood={now.ready.ok ? "" : "bad"}
      />
      <Tile name="Topics" value={exact(now.topics)} more={`up ${span(now.time / 1000 - now.started)}`} />
    </dl>
  );
}

function Tile(props: {name: string; value: string; more: string; mood?: string}) {
  return (
    <div class={"tile " + (props.mood ?? "")}>
      <dt>{props.name}</dt>
      <dd>
        {props.value}
        <small>{props.more}</small>
      </dd>
    </div>
  );
}

/** The history of the server, with the samples that came since it was asked for. */
function useHistory(range: Range, now: Snapshot) {
  const loaded = useLoad(
    (signal) => look<History>("history?range=" + range, signal),
    [range],
    range === "minutes" ? 60_000 : 0,
  );
  const [extra, setExtra] = useState<{time: number; values: number[]}[]>([]);
  useEffect(() => setExtra([]), [range, loaded.data]);
  useEffect(() => {
    const {sample} = now;
    if (range === "seconds" && sample.time && sample.time > (extra[extra.length - 1]?.time ?? 0))
      setExtra([...extra, sample].slice(-900));
  }, [now]);
  const shown = useMemo(() => {
    if (!loaded.data) return undefined;
    const {times, values} = loaded.data,
      last = times[times.length - 1] ?? 0;
    const more = extra.filter((s) => s.time > last);
    const cut = Math.max(0, times.length + more.length - (range === "seconds" ? 900 : 1440));
    const all: Record<string, number[]> = {};
    figures.forEach((f, i) => {
      all[f] = [...values[f], ...more.map((s) => s.values[i] ?? 0)].slice(cut);
    });
    return {times: [...times, ...more.map((s) => s.time)].slice(cut), values: all as History["values"]};
  }, [loaded.data, extra]);
  return {...loaded, data: shown};
}

function Charts({now}: {now: Snapshot}) {
  const [range, setRange] = useState<Range>("seconds");
  const history = useHistory(range, now);
  const span = range === "seconds" ? "the last 15 minutes" : "the last 24 hours";
  return (
    <section aria-labelledby="charts">
      <div class="head">
        <h2 id="charts">{range === "seconds" ? "Last 15 minutes" : "Last 24 hours"}</h2>
        <Choice<Range>
          label="Time"
          name="range"
          value={range}
          set={setRange}
          of={[
            ["seconds", "15 min"],
            ["minutes", "24 h"],
          ]}
        />
      </div>
      <When
        of={history}
        empty={(h) => h.times.length < 2}
        none={
          range === "seconds"
            ? "The first figures come in a moment."
            : "A figure comes each minute; the first two are not there yet."
        }
      >
        {({times, values}) => {
          const measured = (all: number[]) => all.map((n, i) => ((values.delivered[i] ?? 0) > 0 && n > 0 ? n : null));
          return (
            <div class="charts">
              <Chart
                title="Events per second"
                times={times}
                format={count}
                span={span}
                lines={[
                  {name: "delivered", colour: "--line-1", values: values.delivered},
                  {name: "published", colour: "--line-2", values: values.published, dashed: true},
                ]}
              />
              <Chart
                title="Connections"
                times={times}
                format={count}
                span={span}
                lines={[{name: "open", colour: "--line-1", values: values.connections}]}
              />
              <Chart
                title="Publish to socket"
                times={times}
                format={millis}
                span={span}
                lines={[
                  {name: "p99", colour: "--line-1", values: measured(values.p99)},
                  {name: "p50", colour: "--line-2", values: measured(values.p50), dashed: true},
                ]}
              />
              <Chart
                title="Waiting for readers"
                least={1024}
                times={times}
                format={bytes}
                span={span}
                lines={[{name: "bytes", colour: "--line-1", values: values.queued}]}
              />
              <Chart
                title="Lost per second"
                times={times}
                format={count}
                span={span}
                lines={[
                  {name: "dropped", colour: "--line-3", values: values.dropped},
                  {name: "missed", colour: "--line-2", values: values.missed, dashed: true},
                ]}
              />
              <Chart
                title="Memory"
                times={times}
                format={bytes}
                span={span}
                lines={[{name: "in use", colour: "--line-1", values: values.memory}]}
              />
            </div>
          );
        }}
      </When>
    </section>
  );
}

function Reasons({now}: {now: Snapshot}) {
  const reasons = [...new Set([...Object.keys(now.drops), ...Object.keys(now.missed)])].sort();
  const dialects = Object.entries(now.dialects)
    .filter(([, open]) => open > 0)
    .sort((a, b) => b[1] - a[1]);
  return (
    <div class="pair">
      <section aria-labelledby="lost">
        <h2 id="lost">Dropped and missed, by reason</h2>
        {reasons.length === 0 ? (
          <p class="note">Nothing since the server started.</p>
        ) : (
          <Table
            caption="Dropped and missed events by reason"
            hideCaption
            rows={reasons}
            rowKey={(r) => r}
            columns={[
              {name: "Reason", cell: (r) => r},
              {name: "Dropped, last minute", number: true, cell: (r) => exact(minute.value.drops[r] ?? 0)},
              {name: "Since start", number: true, cell: (r) => exact(now.drops[r] ?? 0)},
              {name: "Missed, last minute", number: true, cell: (r) => exact(minute.value.missed[r] ?? 0)},
              {name: "Since start ", number: true, cell: (r) => exact(now.missed[r] ?? 0)},
            ]}
          />
        )}
      </section>
      <section aria-labelledby="dialects">
        <h2 id="dialects">Connections, by dialect</h2>
        {dialects.length === 0 ? (
          <p class="note">Nobody is connected.</p>
        ) : (
          <Table
            caption="Open connections by dialect"
            hideCaption
            rows={dialects}
            rowKey={(d) => d[0]}
            columns={[
              {name: "Dialect", cell: (d) => <Link href={href("connections", {dialect: d[0]})}>{d[0]}</Link>},
              {name: "Open", number: true, cell: (d) => exact(d[1])},
              {
                name: "Share",
                cell: (d) => <meter value={d[1]} max={Math.max(1, now.connections)} aria-label={`share of ${d[0]}`} />,
              },
            ]}
          />
        )}
      </section>
    </div>
  );
}
