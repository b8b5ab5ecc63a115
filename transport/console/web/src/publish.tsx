// A form that publishes one event, and the curl line that does the same.

import {signal} from "@preact/signals";
import {useEffect, useState} from "preact/hooks";
import {hasHome, kinds, sample, type Kind} from "./events.ts";
import {curl} from "./format.ts";
import {Copy, Failure, Field} from "./parts.tsx";
import {act, of, reasonOf} from "./server.ts";
import {mayAct, session, tenant} from "./state.ts";

/** Where an event goes: a topic, a user, everybody, or where its kind belongs. */
export type Target = {topic: string} | {user: string} | {all: true} | Record<string, never>;

interface Receipt {
  topic?: string;
  offset?: number;
  delivered: number;
}

interface Before {
  n: number;
  kind: Kind;
  data: string;
}

/** What was published from this page, newest first. */
const before = signal<Before[]>([]);
let published = 0;

export function Publish(props: {to: Target; start?: Kind; legend: string; done?: () => void}) {
  const [kind, setKind] = useState<Kind>(props.start ?? "message");
  const [data, setData] = useState("");
  const [told, setTold] = useState("");
  const [error, setError] = useState("");
  const choose = (kind: Kind, data = JSON.stringify(sample(kind), null, 2)) => {
    setKind(kind);
    setData(data);
  };
  useEffect(() => choose(kind), []);
  const target = Object.keys(props.to).length === 0 && !hasHome(kind) ? {all: true} : props.to;
  const body = (): unknown => ({...target, event: {kind, data: JSON.parse(data)}});
  let line = "";
  try {
    line = session.value?.dev ? curl(location.origin, "dev", body()) : curl("https://SERVER", "KEY", body());
  } catch {
    line = "The data is no JSON yet.";
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setError("");
    setTold("");
    try {
      const got = await act<Receipt>("POST", of(tenant.value)`publish`, body());
      setTold(
        (got.topic ? `${got.topic}, offset ${got.offset}: ` : "") +
          (got.delivered === 1 ? "one connection hears it." : `${got.delivered} connections hear it.`),
      );
      const others = before.value.filter((b) => b.kind !== kind || b.data !== data);
      before.value = [{n: ++published, kind, data}, ...others].slice(0, 10);
      props.done?.();
    } catch (cause) {
      setError(cause instanceof SyntaxError ? `The data is no JSON: ${cause.message}` : reasonOf(cause));
    }
  };
  if (!mayAct.value) return null;
  return (
    <form class="publish" onSubmit={(e) => void submit(e)} aria-label={props.legend}>
      <Field label="Kind">
        <select value={kind} onChange={(e) => choose(e.currentTarget.value as Kind)}>
          {kinds.map((k) => (
            <option key={k}>{k}</option>
          ))}
        </select>
      </Field>
      <Field label="Data">
        <textarea rows={6} value={data} spellcheck={false} onInput={(e) => setData(e.currentTarget.value)} />
      </Field>
      <div class="buttons start">
        <button class="solid">Publish</button>
        <span role="status" class="told">
          {told}
        </span>
      </div>
      {error && <Failure text={error} />}
      {before.value.length > 0 && (
        <details class="before">
          <summary>The last {before.value.length === 1 ? "one" : before.value.length} from this page</summary>
          <ul>
            {before.value.map((b) => (
              <li key={b.n}>
                <button type="button" class="plain" onClick={() => choose(b.kind, b.data)}>
                  {b.kind}
                </button>{" "}
                <code>{b.data.replaceAll(/\s+/g, " ")}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      <div class="line">
        <code>{line}</code>
        <Copy text={line} label="Copy the line" />
      </div>
    </form>
  );
}
