import {Link, useLocation} from "wouter-preact";
import {clock, exact, plural, span} from "../format.ts";
import {useLoad, useTitle} from "../hooks.ts";
import {Action, Facts, Page, Table, UserLink, When} from "../parts.tsx";
import {Publish} from "../publish.tsx";
import {act, look, of, query} from "../server.ts";
import {href, tenant} from "../state.ts";
import type {Connection, User} from "../types.ts";
import {CloseFields, closeBody, columns, Find} from "./connections.tsx";

interface Known {
  user: string;
  connections: number;
  since: string;
  dialects: string[];
}

/** The users of some connections, those with the most first. */
function usersOf(all: Connection[]): Known[] {
  const by = new Map<string, Known>();
  for (const c of all) {
    if (!c.user) continue;
    const known = by.get(c.user) ?? {user: c.user, connections: 0, since: c.since, dialects: []};
    known.connections++;
    if (c.since < known.since) known.since = c.since;
    if (!known.dialects.includes(c.dialect)) known.dialects.push(c.dialect);
    by.set(c.user, known);
  }
  return [...by.values()].sort((a, b) => b.connections - a.connections || a.user.localeCompare(b.user));
}

export function Users() {
  useTitle("Users");
  const [, navigate] = useLocation();
  const found = useLoad(
    (signal) =>
      look<{connections: Connection[]; cursor: string}>(of(tenant.value)`connections` + query({limit: 1000}), signal),
    [tenant.value],
    5000,
  );
  return (
    <Page
      title="Users"
      intro="Users who are connected. The list is made of the thousand oldest connections; anybody is found by name."
    >
      <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
        <Find
          label="User"
          value=""
          search
          set={(name) => name && navigate(href("users/" + encodeURIComponent(name)))}
        />
      </form>
      <When of={found} empty={(f) => usersOf(f.connections).length === 0} none="No user is connected.">
        {({connections, cursor}) => {
          const users = usersOf(connections);
          return (
            <Table
              caption={`${plural(users.length, "user")}${cursor ? " of the thousand oldest connections" : ""}`}
              rows={users}
              rowKey={(u) => u.user}
              columns={[
                {name: "User", cell: (u) => <UserLink name={u.user} />},
                {name: "Connections", number: true, cell: (u) => exact(u.connections)},
                {name: "Dialects", cell: (u) => u.dialects.join(", ")},
                {name: "Since", number: true, cell: (u) => clock(u.since)},
              ]}
            />
          );
        }}
      </When>
    </Page>
  );
}

export function UserPage({params}: {params: {name: string}}) {
  const name = decodeURIComponent(params.name);
  useTitle(name);
  const found = useLoad(
    async (signal) => {
      try {
        return await look<User>(of(tenant.value)`users/${name}`, signal);
      } catch (cause) {
        if ((cause as {status?: number}).status === 404) return null;
        throw cause;
      }
    },
    [name, tenant.value],
    2000,
  );
  return (
    <Page
      title={name}
      actions={
        <>
          {found.data && (
            <Action
              label="Disconnect…"
              title={`Disconnect ${name}`}
              confirm="Disconnect all"
              danger
              fields={<CloseFields />}
              text="All connections of the user get a close frame with this code and reason."
              done={found.refresh}
              run={async (values) => {
                const got = await act<{disconnected: number}>(
                  "POST",
                  of(tenant.value)`users/${name}/disconnect`,
                  closeBody(values),
                );
                return plural(got.disconnected, "connection") + " closed.";
              }}
            />
          )}
          <Action
            label="Revoke…"
            title={`Revoke the tokens of ${name}`}
            confirm="Revoke"
            danger
            done={found.refresh}
            text="Every token of the user that was issued until now is refused from now on, and what is open by one is closed."
            run={async () => {
              const got = await act<{disconnected?: number; closed?: number}>("POST", of(tenant.value)`revoke`, {
                user: name,
              });
              return `Revoked; ${plural(got.closed ?? got.disconnected ?? 0, "connection")} closed.`;
            }}
          />
        </>
      }
    >
      <p class="crumbs">
        <Link href={href("users")}>Users</Link>
      </p>
      <When of={found} empty={(u) => u === null} none="The user has no connection now.">
        {(u) =>
          u && (
            <>
              <Facts
                all={[
                  [
                    "Online since",
                    `${clock(u.presence.since)} (${span((Date.now() - Date.parse(u.presence.since)) / 1000)})`,
                  ],
                ]}
              />
              <Table
                caption={`${plural(u.connections.length, "connection")} of ${name}`}
                rows={u.connections}
                rowKey={(c) => c.id}
                columns={columns.filter((c) => c.name !== "User")}
              />
            </>
          )
        }
      </When>
      <h2>Send to this user</h2>
      <Publish to={{user: name}} legend={`Send to ${name}`} />
    </Page>
  );
}
