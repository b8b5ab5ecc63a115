// A table of many rows, of which only those in sight are in the page.

import {elementScroll, observeElementOffset, observeElementRect, Virtualizer} from "@tanstack/virtual-core";
import {useEffect, useReducer, useRef} from "preact/hooks";
import type {Column} from "./parts.tsx";

const height = 34;

export function VirtualTable<T>(props: {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  onEnd?: (() => void) | undefined;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer((n: number, _: void) => n + 1, 0);
  const options = {
    count: props.rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: 12,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(),
  };
  const held = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  const virtual = (held.current ??= new Virtualizer<HTMLDivElement, Element>(options));
  virtual.setOptions(options);
  useEffect(() => virtual._didMount(), []);
  useEffect(() => virtual._willUpdate());
  const seen = virtual.getVirtualItems(),
    first = seen[0],
    last = seen[seen.length - 1];
  useEffect(() => {
    if (last && last.index >= props.rows.length - 20) props.onEnd?.();
  }, [last?.index, props.rows.length]);
  const gap = (size: number) =>
    size > 0 && (
      <tr aria-hidden="true">
        <td colSpan={props.columns.length} height={size} class="gap" />
      </tr>
    );
  return (
    <div class="table tall" ref={box} role="region" aria-label={props.caption} tabIndex={0}>
      <table aria-rowcount={props.rows.length + 1}>
        <caption>{props.caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {props.columns.map((c) => (
              <th key={c.name} scope="col" class={c.number ? "number" : ""}>
                {c.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {gap(first?.start ?? 0)}
          {seen.map((item) => {
            const row = props.rows[item.index];
            return (
              row !== undefined && (
                <tr key={props.rowKey(row)} aria-rowindex={item.index + 2}>
                  {props.columns.map((c, i) =>
                    i === 0 ? (
                      <th key={c.name} scope="row">
                        {c.cell(row)}
                      </th>
                    ) : (
                      <td key={c.name} class={c.number ? "number" : ""}>
                        {c.cell(row)}
                      </td>
                    ),
                  )}
                </tr>
              )
            );
          })}
          {gap(virtual.getTotalSize() - (last?.end ?? 0))}
        </tbody>
      </table>
    </div>
  );
}
