import {useState} from "preact/hooks";
import {useLocation} from "wouter-preact";
import {plural} from "../format.ts";
import {useTitle} from "../hooks.ts";
import {Failure, Field, Page, Table, type Column} from "../parts.tsx";
import {act, of, reasonOf} from "../server.ts";
import {href, snapshot, tenant} from "../state.ts";
import type {Explanation} from "../types.ts";

type Step = Explanation["trail"][number] & {number: number; decided: boolean};

const columns: Column<Step>[] = [
  {name: "Rule", cell: (s) => <code>{s.rule}</code>},
  {
    name: "Verdict",
    cell: (s) => (s.decided ? <strong>{s.verdict}, and that decided</strong> : s.verdict),
  },
  {name: "Value", cell: (s) => s.value},
  {name: "Setting", cell: (s) => (s.setting ? <code>{s.setting}</code> : <span class="quiet">none</span>)},
  {name: "From", cell: (s) => s.at},
];

export function Why() {
  useTitle("Why?");
  return (
    <Page title="Why?" intro="Ask why something happened, or what would happen.">
      <section aria-labelledby="happened">
        <h2 id="happened">What happened</h2>
        <Search />
      </section>
      <section aria-labelledby="would">
        <h2 id="would">What would be decided</h2>
        <p class="note">
          The code that decides runs, with all limits as they are now, and says which rules it asked. Nothing is counted
          or changed.
        </p>
        <Explain />
      </section>
    </Page>
  );
}

/** Goes to the list in which something can be found. */
function Search() {
  const [, navigate] = useLocation();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.target as HTMLFormElement);
    const text = String(values.get("what")).trim(),
      where = String(values.get("where"));
    if (!text) return;
    if (where === "connection") navigate(href("connections/" + encodeURIComponent(text)));
    else if (where === "request") navigate(href("refused", {request_id: text}));
    else navigate(href(where === "user" ? "closed" : "refused", {[where]: text}));
  };
  return (
    <form class="filters" onSubmit={submit}>
      <Field label="Look for">
        <select name="where">
          <option value="connection">a connection, by its id</option>
          <option value="user">a user's connections that have ended</option>
          <option value="address">refusals of an address</option>
          <option value="request">a refusal, by its request id</option>
        </select>
      </Field>
      <Field label="Which one">
        <input name="what" required spellcheck={false} autocomplete="off" data-search="" />
      </Field>
      <button class="solid">Look</button>
    </form>
  );
}

type Action = "connect" | "subscribe" | "publish";

function Explain() {
  const [action, setAction] = useState<Action>("subscribe");
  const [found, setFound] = useState<Explanation>();
  const [error, setError] = useState("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const question: Record<string, unknown> = {};
    for (const [name, value] of new FormData(event.target as HTMLFormElement))
      if (typeof value === "string" && value.trim()) question[name] = value.trim();
    try {
      if (action === "publish") question["event"] = {kind: "json", data: {}};
      setFound(await act<Explanation>("POST", of(tenant.value)`explain`, question));
      setError("");
    } catch (cause) {
      setFound(undefined);
      setError(reasonOf(cause));
    }
  };
  return (
    <>
      <form class="filters" onSubmit={(e) => void submit(e)}>
        <Field label="May somebody">
          <select name="action" value={action} onChange={(e) => setAction(e.currentTarget.value as Action)}>
            <option>connect</option>
            <option>subscribe</option>
            <option>publish</option>
          </select>
        </Field>
        {action !== "connect" && (
          <Field label="Topic">
            <input name="topic" required spellcheck={false} autocomplete="off" />
          </Field>
        )}
        {action !== "publish" && (
          <>
            <Field label="User">
              <input name="user" spellcheck={false} autocomplete="off" />
            </Field>
            <Field label="or token">
              <input name="token" type="password" autocomplete="off" />
            </Field>
            <Field label="Dialect">
              <select name="dialect">
                <option value="">the first that fits</option>
                {Object.keys(snapshot.value?.dialects ?? {})
                  .sort()
                  .map((d) => (
                    <option key={d}>{d}</option>
                  ))}
              </select>
            </Field>
            <Field label="Origin">
              <input name="origin" placeholder="https://app.example" spellcheck={false} autocomplete="off" />
            </Field>
          </>
        )}
        <button class="solid">Ask</button>
      </form>
      <div aria-live="polite">
        {error && <Failure text={error} />}
        {found && <Answer found={found} />}
      </div>
    </>
  );
}

function Answer({found}: {found: Explanation}) {
  const steps = found.trail.map((step, number) => ({...step, number, decided: number === found.decided}));
  return (
    <>
      <p class="verdict">
        {found.allowed ? "Yes" : "No"}
        {found.advice ? ": " + found.advice : "."}
      </p>
      <Table
        caption={`${plural(steps.length, "rule")} asked`}
        columns={columns}
        rows={steps}
        rowKey={(s) => String(s.number)}
      />
    </>
  );
}
