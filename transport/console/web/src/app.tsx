// The frame around the pages: who looks, where one is, and what there is.

import type {ComponentChildren} from "preact";
import {useEffect, useRef, useState} from "preact/hooks";
import {Link, Route, Switch, useLocation} from "wouter-preact";
import {act} from "./server.ts";
import {failure, href, loadSession, session, shortcuts, state, tenant, theme, type Theme} from "./state.ts";
import {Choice, Failure} from "./parts.tsx";
import {Login} from "./pages/login.tsx";
import {pages} from "./pages/all.tsx";

export function App() {
  if (!session.value)
    return (
      <main class="alone">
        {failure.value ? (
          <Failure text={failure.value} again={() => void loadSession()} />
        ) : (
          <p class="note" role="status">
            Loading…
          </p>
        )}
      </main>
    );
  if (!session.value.role) return <Login />;
  return <Frame />;
}

function Frame() {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) main.current?.querySelector<HTMLElement>("h1")?.focus();
    first.current = false;
    window.scrollTo(0, 0);
  }, [path]);
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Aside path={path} />
      <main id="main" ref={main}>
        <Switch>
          {pages.flatMap((p) =>
            p.routes.map(([pattern, Shown]) => <Route key={pattern} path={pattern} component={Shown} />),
          )}
          <Route>
            <h1 tabIndex={-1}>There is no such page</h1>
            <p>
              <Link href={href("")}>Overview</Link>
            </p>
          </Route>
        </Switch>
      </main>
      <Keys />
    </div>
  );
}

function Aside(props: {path: string}) {
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [props.path]);
  const {dev, role, version, tenants} = session.value!;
  return (
    <header class="aside">
      <div class="bar">
        <Link href={href("")} class="brand">
          <img src="/console/icon.svg" alt="" width="22" height="22" />
          Parley
        </Link>
        <Mood />
        <button type="button" class="menu" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
          Menu
        </button>
      </div>
      <div id="menu" class={open ? "open" : ""}>
        {(tenants?.length ?? 0) > 1 && (
          <label class="tenant">
            Tenant
            <select
              value={tenant.value}
              onChange={(e) => {
                tenant.value = e.currentTarget.value;
                const here = new URL(location.href);
                here.searchParams.set("tenant", tenant.value);
                navigate(here.pathname + here.search, {replace: true});
              }}
            >
              {tenants?.map((t) => (
                <option key={t}>{t}</option>
              ))}
            </select>
          </label>
        )}
        <nav aria-label="Pages">
          <ul>
            {pages
              .filter((p) => !p.dev || dev)
              .map((p) => (
                <li key={p.name}>
                  <Link href={p.href()} class="page" aria-current={p.here(props.path) ? "page" : undefined}>
                    {p.name}
                  </Link>
                </li>
              ))}
          </ul>
        </nav>
        <footer>
          <Choice<Theme>
            label="Colours"
            name="theme"
            value={theme.value}
            set={(t) => {
              theme.value = t;
            }}
            of={[
              ["auto", "Auto"],
              ["light", "Light"],
              ["dark", "Dark"],
            ]}
          />
          <p>
            {dev ? "dev mode" : role} · {version}
          </p>
          {!dev && (
            <button type="button" class="plain" onClick={() => void act("DELETE", "session").then(loadSession)}>
              Log out
            </button>
          )}
        </footer>
      </div>
    </header>
  );
}

const marks = {well: "●", warn: "▲", bad: "■"};

/** The state of the server, on every page. */
function Mood() {
  const {mood, text} = state.value;
  const words = {well: "well", warn: "look", bad: "trouble"};
  return (
    <span class={"mood " + mood} title={text}>
      <span aria-hidden="true">{marks[mood]}</span> {words[mood]}
    </span>
  );
}

export function Sentence() {
  const {mood, text} = state.value;
  return (
    <h1 tabIndex={-1} class={"sentence " + mood}>
      <span aria-hidden="true" class="mark">
        {marks[mood]}
      </span>
      <Calm text={text} />
    </h1>
  );
}

/** A text that is read out when it changes, but no more than every ten seconds. */
function Calm(props: {text: string}) {
  const [told, setTold] = useState("");
  const latest = useRef(props.text);
  latest.current = props.text;
  useEffect(() => {
    const timer = setInterval(() => setTold(latest.current), 10_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      {props.text}
      <span role="status" class="hidden">
        {told}
      </span>
    </>
  );
}

/** g and a letter goes to a page, / to the search, ? shows these. */
function Keys(): ComponentChildren {
  const dialog = useRef<HTMLDialogElement>(null);
  const [, navigate] = useLocation();
  useEffect(() => {
    let before = "";
    const pressed = (event: KeyboardEvent) => {
      const at = event.target as HTMLElement;
      if (
        !shortcuts.value ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        at.closest("input, textarea, select, dialog")
      )
        return;
      const to = before === "g" && pages.find((p) => p.letter === event.key && (!p.dev || session.value?.dev));
      before = event.key;
      if (to) navigate(to.href());
      else if (event.key === "?") dialog.current?.showModal();
      else if (event.key === "/") document.querySelector<HTMLElement>("[data-search]")?.focus();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  return (
    <dialog ref={dialog} aria-label="Keys">
      <form method="dialog">
        <h2>Keys</h2>
        <dl class="keys-list">
          <div>
            <dt>
              <kbd>/</kbd>
            </dt>
            <dd>Search on this page</dd>
          </div>
          <div>
            <dt>
              <kbd>?</kbd>
            </dt>
            <dd>These keys</dd>
          </div>
          {pages
            .filter((p) => !p.dev || session.value?.dev)
            .map((p) => (
              <div key={p.name}>
                <dt>
                  <kbd>g</kbd> <kbd>{p.letter}</kbd>
                </dt>
                <dd>{p.name}</dd>
              </div>
            ))}
        </dl>
        <label class="check">
          <input
            type="checkbox"
            checked={shortcuts.value}
            onChange={(e) => {
              shortcuts.value = e.currentTarget.checked;
            }}
          />{" "}
          Single keys do something
        </label>
        <div class="buttons">
          <button class="solid">Close</button>
        </div>
      </form>
    </dialog>
  );
}
