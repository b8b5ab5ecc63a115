// A form that publishes one event, and the curl line that does the same.

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

export function Publish(props: {to: Target; start?: Kind; legend: string; done?: () => void}) {
  const [kind, setKind] = useState<Kind>(props.start ?? "message");
  const [data, setData] = useState("");
  const [told, setTold] = useState("");
  const [error, setError] = useState("");
  useEffect(() => setData(JSON.stringify(sample(kind), null, 2)), [kind]);
  const target = Object.keys(props.to).length === 0 && !hasHome(kind) ? {all: true} : props.to;
  const body = (): unknown => ({...target, event: {kind, data: JSON.parse(data)}});
  let line = "";
  try {
    line = curl(location.origin, session.value?.dev ? "dev" : "KEY", body());
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
      props.done?.();
    } catch (cause) {
      setError(cause instanceof SyntaxError ? `The data is no JSON: ${cause.message}` : reasonOf(cause));
    }
  };
  if (!mayAct.value) return null;
  return (
    <form class="publish" onSubmit={(e) => void submit(e)} aria-label={props.legend}>
      <Field label="Kind">
        <select value={kind} onChange={(e) => setKind(e.currentTarget.value as Kind)}>
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
      <div class="line">
        <code>{line}</code>
        <Copy text={line} label="Copy the line" />
      </div>
    </form>
  );
}
