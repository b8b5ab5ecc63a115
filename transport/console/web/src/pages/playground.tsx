import {useEffect, useRef, useState} from "preact/hooks";
import {address, clients, shown, type Client} from "../clients.ts";
import {clock, exact, plural} from "../format.ts";
import {useLoad, useTitle} from "../hooks.ts";
import {Choice, ConnectionLink, Failure, Page, When} from "../parts.tsx";
import {Publish, type Target} from "../publish.tsx";
import {act, look, of, query} from "../server.ts";
import {tenant} from "../state.ts";
import type {Connection} from "../types.ts";

const most = 60;

interface Line {
  n: number;
  at: number;
  sent: boolean;
  text: string;
  /** What it is about; "" for one about the connection alone. */
  about: string;
}

interface Me {
  user: string;
  token: string;
}

/** A name that no other tab has. */
const someone = "me-" + Math.random().toString(36).slice(2, 7);

type To = "all" | "me" | "kind";

export function Playground() {
  useTitle("Playground");
  const me = useLoad<Me>(async (signal) => {
    const {token} = await look<{token: string}>("token" + query({user: someone}), signal);
    return {user: someone, token};
  }, []);
  const [to, setTo] = useState<To>("all");
  const targets: Record<To, Target> = {all: {all: true}, me: {user: someone}, kind: {}};
  return (
    <Page
      title="Five protocols, one publish"
      intro={`Each pane is a client of another protocol: a WebSocket in this page, logged in as ${someone}. Publish once, and each reads it in its own words. Pull a plug, publish to the user or a topic, and plug it in again.`}
    >
      <When of={me}>
        {(known) => (
          <>
            <section class="box" aria-label="Publish">
              <Choice<To>
                label="Who hears it"
                name="to"
                value={to}
                set={setTo}
                of={[
                  ["all", "Everyone"],
                  ["me", "Only " + someone],
                  ["kind", "Where its kind belongs"],
                ]}
              />
              <Publish to={targets[to]} legend="Publish to the panes" />
            </section>
            <div class="panes">
              {clients.map((c) => (
                <Pane key={c.name} client={c} me={known} />
              ))}
            </div>
          </>
        )}
      </When>
    </Page>
  );
}

type State = "connecting" | "open" | "unplugged" | "lost";

/** A client that is connected while it is plugged in, and comes back by itself if it is lost. */
function useClient(client: Client, me: Me, plugged: boolean) {
  const [state, setState] = useState<State>("connecting");
  const [lines, setLines] = useState<Line[]>([]);
  const [opened, setOpened] = useState(0);
  const count = useRef(0);
  useEffect(() => {
    if (!plugged) {
      setState("unplugged");
      return;
    }
    let over = false,
      again = 0;
    const add = (sent: boolean, frame: string, about: string) => {
      const line = {n: count.current++, at: Date.now(), sent, text: shown(frame, me.token), about};
      setLines((all) => [line, ...all].slice(0, most));
    };
    const connect = () => {
      if (client.cookie) {
        document.cookie = `${client.cookie}=${me.token}; path=/console/cable/; samesite=strict`;
        void document.cookie; // waits until it is set, which the socket would not
      }
      const at = address(client, `${client.name}-${me.user}`, me.token, me.user);
      const ws = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${at}`);
      ws.onopen = () => {
        setState("open");
        setOpened(Date.now());
        for (const frame of client.says(me.token)) {
          ws.send(JSON.stringify(frame));
          add(true, JSON.stringify(frame), "");
        }
      };
      ws.onmessage = ({data}: MessageEvent<string>) => {
        let about = "json";
        try {
          about = client.hears(JSON.parse(data) as Record<string, unknown>);
        } catch {
          // it is shown as it is
        }
        add(false, data, about);
      };
      ws.onclose = () => {
        if (over) return;
        setState("lost");
        again = window.setTimeout(connect, 1000);
      };
      return ws;
    };
    setState("connecting");
    const first = connect();
    return () => {
      over = true;
      clearTimeout(again);
      first.onmessage = null;
      void act("POST", `cable/${client.name}-${me.user}`).catch(() => first.close());
    };
  }, [client, me, plugged]);
  return {state, lines, opened};
}

const words: Record<State, string> = {
  connecting: "○ connecting",
  open: "● open",
  unplugged: "○ unplugged",
  lost: "▲ tries again",
};

function Pane({client, me}: {client: Client; me: Me}) {
  const [plugged, setPlugged] = useState(true);
  const [pulls, setPulls] = useState(0);
  const {state, lines, opened} = useClient(client, me, plugged);
  const [all, setAll] = useState(false);
  const events = lines.filter((l) => l.about !== "");
  const heading = "pane-" + client.name;
  return (
    <section class={"pane " + state} aria-labelledby={heading}>
      <header>
        <h2 id={heading}>{client.name}</h2>
        <span class="state" role="status">
          {words[state]}
        </span>
        <button
          type="button"
          aria-pressed={!plugged}
          onClick={() => {
            if (plugged) setPulls(pulls + 1);
            setPlugged(!plugged);
          }}
        >
          {plugged ? "Pull the plug" : "Plug it in"}
        </button>
      </header>
      <p class="note">
        {client.what} <code>{client.path}</code>
      </p>
      {pulls > 0 && (
        <Return
          client={client}
          me={me}
          plugged={plugged}
          open={state === "open"}
          heard={events.filter((l) => l.at - opened < 1000 && l.at >= opened).length}
        />
      )}
      <ol reversed tabIndex={0} aria-label={`What ${client.name} heard, newest first`}>
        {(all ? lines : events).map((l) => (
          <li key={l.n} class={l.sent ? "sent" : ""}>
            <span class="quiet">
              {clock(l.at)} {l.sent ? "sent" : l.about || "of the connection"}
            </span>
            <code>{l.text}</code>
          </li>
        ))}
        {(all ? lines : events).length === 0 && <li class="note">Nothing yet.</li>}
      </ol>
      <label class="check">
        <input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /> Also what is about the
        connection
      </label>
    </section>
  );
}

/** What the server says came back with the plug. */
function Return(props: {client: Client; me: Me; plugged: boolean; open: boolean; heard: number}) {
  const {client, me, plugged, open} = props;
  const since = useRef(Date.now());
  const [away, setAway] = useState(0);
  useEffect(() => {
    if (!plugged) since.current = Date.now();
    else setAway(Math.max(1, Math.round((Date.now() - since.current) / 1000)));
  }, [plugged]);
  const found = useLoad<Connection | undefined>(
    async (signal) => {
      if (!open || !client.known) return undefined;
      const path = of(tenant.value)`connections` + query({user: me.user, dialect: client.name});
      return (await look<{connections: Connection[]}>(path, signal)).connections.at(-1);
    },
    [open],
    1500,
  );
  if (!plugged) return <p class="return">Its connection broke without a goodbye. What is for it waits for a while.</p>;
  if (!open) return <p class="return">Coming back…</p>;
  if (!client.known) {
    return (
      <p class="return">Back after {plural(away, "second")}. Nobody knows who it is, so nothing has waited for it.</p>
    );
  }
  if (found.error) return <Failure text={found.error} />;
  const c = found.data;
  return (
    <p class="return" role="status">
      Back after {plural(away, "second")}
      {c?.resumed ? (
        <>
          : <strong>{exact(c.resumed.replayed)} came back</strong>, {exact(c.resumed.missed)} missed
        </>
      ) : props.heard > 0 ? (
        <>
          : <strong>{exact(props.heard)} came back</strong> at once
        </>
      ) : (
        "; nothing was sent to it meanwhile"
      )}
      {c && (
        <>
          {" "}
          (<ConnectionLink id={c.id} />)
        </>
      )}
      .
    </p>
  );
}
