// Small parts that pages are made of.

import type {ComponentChildren} from "preact";
import {useEffect, useRef, useState} from "preact/hooks";
import {Link} from "wouter-preact";
import {Refused, reasonOf} from "./server.ts";
import {href, mayAct} from "./state.ts";
import type {Loaded} from "./hooks.ts";

export function Page(props: {title: string; intro?: string; actions?: ComponentChildren; children: ComponentChildren}) {
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>{props.title}</h1>
        <div class="actions">{props.actions}</div>
      </div>
      {props.intro && <p class="intro">{props.intro}</p>}
      {props.children}
    </>
  );
}

/** One of four states of something that is loaded: waiting, failed, empty, there. */
export function When<T>(props: {
  of: Loaded<T>;
  empty?: (data: T) => boolean;
  none?: ComponentChildren;
  children: (data: T) => ComponentChildren;
}) {
  const {data, error, loading, refresh} = props.of;
  if (loading)
    return (
      <p class="note" role="status">
        Loading…
      </p>
    );
  if (data === undefined) return <Failure text={error} again={refresh} />;
  return (
    <>
      {error && <Failure text={error} again={refresh} />}
      {props.empty?.(data) ? <p class="note">{props.none}</p> : props.children(data)}
    </>
  );
}

export function Failure(props: {text: string; again?: () => void}) {
  return (
    <p class="failure" role="alert">
      <span aria-hidden="true">■ </span>
      {props.text}
      {props.again && (
        <>
          {" "}
          <button type="button" class="plain" onClick={props.again}>
            Try again
          </button>
        </>
      )}
    </p>
  );
}

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  number?: boolean;
}

/** A table that scrolls sideways by itself where it is too wide. */
export function Table<T>(props: {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  hideCaption?: boolean;
}) {
  return (
    <div class="table" role="region" aria-label={props.caption} tabIndex={0}>
      <table>
        <caption class={props.hideCaption ? "hidden" : ""}>{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((c) => (
              <th key={c.name} scope="col" class={c.number ? "number" : ""}>
                {c.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)}>
              {props.columns.map((c, i) =>
                i === 0 ? (
                  <th key={c.name} scope="row" class={c.number ? "number" : ""}>
                    {c.cell(row)}
                  </th>
                ) : (
                  <td key={c.name} class={c.number ? "number" : ""}>
                    {c.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Facts(props: {all: [string, ComponentChildren][]}) {
  return (
    <dl class="facts">
      {props.all.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export const ConnectionLink = (props: {id: string}) => (
  <Link href={href("connections/" + encodeURIComponent(props.id))} class="id">
    {props.id}
  </Link>
);
export const TopicLink = (props: {name: string}) => (
  <Link href={href("topics/" + encodeURIComponent(props.name))} class="id">
    {props.name}
  </Link>
);
export const UserLink = (props: {name: string}) =>
  props.name ? (
    <Link href={href("users/" + encodeURIComponent(props.name))} class="id">
      {props.name}
    </Link>
  ) : (
    <span class="quiet">nobody</span>
  );

/** A button whose action is asked about first, in a dialog that may have fields. */
export function Action(props: {
  label: string;
  title: string;
  text: ComponentChildren;
  confirm: string;
  danger?: boolean;
  fields?: ComponentChildren;
  run: (values: FormData) => Promise<string>;
  done?: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState("");
  const [told, setTold] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      setTold(await props.run(new FormData(event.target as HTMLFormElement)));
      dialog.current?.close();
      props.done?.();
    } catch (cause) {
      setError(cause instanceof Refused ? cause.message : reasonOf(cause));
    }
    setBusy(false);
  };
  if (!mayAct.value) return null;
  return (
    <>
      <button
        type="button"
        class={props.danger ? "danger" : ""}
        onClick={() => {
          setTold("");
          setError("");
          dialog.current?.showModal();
        }}
      >
        {props.label}
      </button>
      <span role="status" class="told">
        {told}
      </span>
      <dialog ref={dialog} aria-label={props.title}>
        <form onSubmit={(e) => void submit(e)}>
          <h2>{props.title}</h2>
          <p>{props.text}</p>
          {props.fields}
          {error && <Failure text={error} />}
          <div class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class={props.danger ? "danger solid" : "solid"} disabled={busy}>
              {props.confirm}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}

export function Field(props: {label: string; hint?: string; children: ComponentChildren}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      {props.children}
      {props.hint && <small>{props.hint}</small>}
    </label>
  );
}

/** A choice of a few, as radio buttons that look like one switch. */
export function Choice<T extends string>(props: {
  label: string;
  name: string;
  value: T;
  of: [T, string][];
  set: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend class="hidden">{props.label}</legend>
      {props.of.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={props.name}
            value={value}
            checked={props.value === value}
            onChange={() => props.set(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Copy(props: {text: string; label?: string}) {
  const [done, setDone] = useState(false);
  useEffect(() => setDone(false), [props.text]);
  return (
    <button
      type="button"
      class="plain"
      onClick={() => void navigator.clipboard.writeText(props.text).then(() => setDone(true))}
    >
      {done ? "Copied" : (props.label ?? "Copy")}
    </button>
  );
}
