// Settings, tenants, outposts and backends: tables with little to say beside them.

import {useState} from "preact/hooks";
import {Link, useSearch} from "wouter-preact";
import {bytes, clock, count, exact, plural} from "../format.ts";
import {useLoad, useTitle} from "../hooks.ts";
import {Action, Field, Page, Table, When} from "../parts.tsx";
import {act, look, of} from "../server.ts";
import {href, tenant} from "../state.ts";
import type {Backend, Setting, Tenant} from "../types.ts";

export function Settings() {
  useTitle("Settings");
  const [find, setFind] = useState(new URLSearchParams(useSearch()).get("find") ?? "");
  const found = useLoad((signal) => look<{settings: Setting[]}>("settings", signal), []);
  const fits = (s: Setting) =>
    (s.key + " " + s.value + " " + s.origin).toLowerCase().includes(find.trim().toLowerCase());
  return (
    <Page
      title="Settings"
      intro="What is in effect and not just a default, and where it was set. A secret is never shown. parley config prints all that can be set."
    >
      <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
        <Field label="Find">
          <input type="search" data-search="" value={find} onInput={(e) => setFind(e.currentTarget.value)} />
        </Field>
      </form>
      <When of={found} empty={(f) => f.settings.length === 0} none="Everything is as it is by default.">
        {({settings}) => (
          <Table
            caption={plural(settings.filter(fits).length, "setting")}
            rows={settings.filter(fits)}
            rowKey={(s) => s.key}
            columns={[
              {
                name: "Setting",
                cell: (s) => (
                  <span title={s.help}>
                    <code>{s.key}</code>
                  </span>
                ),
              },
              {
                name: "Value",
                cell: (s) => (s.value === "" ? <span class="quiet">empty</span> : <code>{s.value}</code>),
              },
              {
                name: "Default",
                cell: (s) => (s.default === "" ? <span class="quiet">empty</span> : <code>{s.default}</code>),
              },
              {name: "Set by", cell: (s) => <code>{s.origin}</code>},
              {name: "Meaning", cell: (s) => <span class="wrap">{s.help}</span>},
            ]}
          />
        )}
      </When>
    </Page>
  );
}

export function Tenants() {
  useTitle("Tenants");
  const found = useLoad((signal) => look<{tenants: Tenant[]}>("admin/tenants", signal), [], 2000);
  const does = (t: Tenant, verb: string) => act("POST", `admin/tenants/${encodeURIComponent(t.tenant)}/${verb}`);
  return (
    <Page title="Tenants">
      <When of={found} empty={(f) => f.tenants.length === 0} none="There is no tenant.">
        {({tenants}) => (
          <Table
            caption={plural(tenants.length, "tenant")}
            rows={tenants}
            rowKey={(t) => t.tenant}
            columns={[
              {
                name: "Tenant",
                cell: (t) => (
                  <Link href={href("connections")} onClick={() => (tenant.value = t.tenant)}>
                    {t.tenant}
                  </Link>
                ),
              },
              {name: "State", cell: (t) => (t.suspended ? <strong class="warn">▲ suspended</strong> : "serves")},
              {name: "Connections", number: true, cell: (t) => exact(t.figures.activeConnections)},
              {name: "Ever", number: true, cell: (t) => count(t.figures.totalConnections)},
              {name: "Messages in", number: true, cell: (t) => count(t.figures.messagesReceived)},
              {name: "Messages out", number: true, cell: (t) => count(t.figures.messagesSent)},
              {name: "Bytes out", number: true, cell: (t) => bytes(t.figures.bytesSent)},
              {
                name: "Actions",
                cell: (t) => (
                  <span class="row-actions">
                    {t.suspended ? (
                      <Action
                        label="Resume…"
                        title={`Resume ${t.tenant}`}
                        confirm="Resume"
                        done={found.refresh}
                        text="Its clients and backends are let in again."
                        run={async () => {
                          await does(t, "resume");
                          return "";
                        }}
                      />
                    ) : (
                      <Action
                        label="Suspend…"
                        title={`Suspend ${t.tenant}`}
                        confirm="Suspend"
                        danger
                        done={found.refresh}
                        text="All its connections end, and nobody of it is let in until somebody resumes it."
                        run={async () => {
                          await does(t, "suspend");
                          return "";
                        }}
                      />
                    )}
                    <Action
                      label="Drain…"
                      title={`Drain ${t.tenant}`}
                      confirm="Drain"
                      danger
                      done={found.refresh}
                      text="Its connections are closed one after the other; its clients come back by what holds now."
                      run={async () => {
                        const got = (await does(t, "drain")) as {closed: number};
                        return `${exact(got.closed)} closed`;
                      }}
                    />
                  </span>
                ),
              },
            ]}
          />
        )}
      </When>
    </Page>
  );
}

interface Outpost {
  uuid: string;
  version: string;
  buildHash: string;
  hostname: string;
  last_seen: string;
  healthy: boolean;
}

export function Outposts() {
  useTitle("Outposts");
  const found = useLoad(
    async (signal) => {
      const got = await look<{outposts?: Outpost[]; instances?: Outpost[]}>(of(tenant.value)`outposts`, signal);
      return got.outposts ?? got.instances ?? [];
    },
    [tenant.value],
    3000,
  );
  return (
    <Page title="Outposts" intro="Instances of authentik's outposts that have said that they live.">
      <When of={found} empty={(all) => all.length === 0} none="No outpost has connected to this tenant.">
        {(all) => (
          <Table
            caption={plural(all.length, "instance")}
            rows={all}
            rowKey={(o) => o.uuid + o.hostname + o.last_seen}
            columns={[
              {name: "Outpost", cell: (o) => <code>{o.uuid}</code>},
              {name: "State", cell: (o) => (o.healthy ? "● healthy" : <strong class="warn">▲ silent</strong>)},
              {name: "Host", cell: (o) => o.hostname},
              {name: "Version", cell: (o) => o.version},
              {name: "Last seen", number: true, cell: (o) => clock(o.last_seen)},
            ]}
          />
        )}
      </When>
    </Page>
  );
}

export function Backends() {
  useTitle("Backends");
  const found = useLoad((signal) => look<{backends: Backend[]}>("backends", signal), [], 2000);
  return (
    <Page
      title="Backends"
      intro="What the server calls: webhooks that hear of clients coming and going, and backends that are asked about tokens."
    >
      <When
        of={found}
        empty={(f) => f.backends.length === 0}
        none="No tenant has one (tenants[].lifecycle.webhook, tenants[].introspection)."
      >
        {({backends}) => (
          <Table
            caption={plural(backends.length, "backend")}
            rows={backends}
            rowKey={(b) => b.tenant + b.kind}
            columns={[
              {name: "Tenant", cell: (b) => b.tenant},
              {name: "What", cell: (b) => b.kind},
              {name: "State", cell: (b) => (b.failing ? <strong class="bad">■ failing</strong> : "● answers")},
              {name: "Waiting", number: true, cell: (b) => exact(b.waiting)},
              {name: "Calls", number: true, cell: (b) => count(b.done)},
              {name: "Failed", number: true, cell: (b) => count(b.failed)},
              {name: "Lost", number: true, cell: (b) => exact(b.lost)},
              {
                name: "Last error",
                cell: (b) =>
                  b.last_error ? (
                    <span class="wrap">
                      {b.last_error_at ? clock(b.last_error_at) + " " : ""}
                      {b.last_error}
                    </span>
                  ) : (
                    <span class="quiet">none</span>
                  ),
              },
            ]}
          />
        )}
      </When>
    </Page>
  );
}
