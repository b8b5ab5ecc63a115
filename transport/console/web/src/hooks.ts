import {useEffect, useRef, useState} from "preact/hooks";
import {reasonOf} from "./server.ts";

export interface Loaded<T> {
  data: T | undefined;
  error: string;
  /** True until the first answer, and never again. */
  loading: boolean;
  refresh: () => void;
}

/**
 * Asks at once, when something in `on` changes, and every so many milliseconds (0: never) while the page is visible.
 * Below 0 it does not ask at all.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, on: unknown[], every = 0): Loaded<T> {
  const [data, setData] = useState<T>();
  const [error, setError] = useState("");
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    setData(undefined);
    setError("");
  }, on);
  useEffect(() => {
    if (every < 0) return;
    const abort = new AbortController();
    let timer = 0;
    const once = async () => {
      if (!document.hidden) {
        try {
          setData(await latest.current(abort.signal));
          setError("");
        } catch (cause) {
          if (!abort.signal.aborted) setError(reasonOf(cause));
        }
      }
      if (every > 0 && !abort.signal.aborted) timer = window.setTimeout(() => void once(), every);
    };
    void once();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [...on, every, turn]);
  return {data, error, loading: data === undefined && error === "", refresh: () => setTurn((n) => n + 1)};
}

/** The value when it has not changed for a while. */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** Names the page in the browser's title, and moves the focus to its heading when one comes from another page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title + " · Parley";
  }, [title]);
}
