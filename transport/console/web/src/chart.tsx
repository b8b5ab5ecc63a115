// A chart over time with its summary in words, which is what a screen reader gets.

import {useEffect, useRef} from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import {theme} from "./state.ts";

export interface Line {
  name: string;
  /** A colour of style.css, such as --line-1. */
  colour: string;
  values: (number | null)[];
  dashed?: boolean;
}

interface Props {
  title: string;
  times: number[];
  lines: Line[];
  format: (n: number) => string;
  span: string;
  /** Where the scale ends at least (1 by default), so that nothing is not drawn as much. */
  least?: number;
}

const colourOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function summary({lines, format, span}: Props): string {
  return (
    lines
      .map(({name, values}) => {
        const known = values.filter((v): v is number => v !== null);
        if (known.length === 0) return `${name}: nothing in ${span}`;
        const last = known[known.length - 1] ?? 0;
        return `${name}: now ${format(last)}, from ${format(Math.min(...known))} to ${format(Math.max(...known))} in ${span}`;
      })
      .join(". ") + "."
  );
}

/** The time of day, to the second where the marks are closer than a minute. */
function tick(unix: number, step: number): string {
  const at = new Date(unix * 1000),
    two = (n: number) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}` + (step < 60 ? `:${two(at.getSeconds())}` : "");
}

function options(props: Props, width: number): uPlot.Options {
  const quiet = colourOf("--quiet"),
    grid = {stroke: colourOf("--rule"), width: 1};
  const font = "11px system-ui, sans-serif";
  return {
    width,
    height: 150,
    padding: [8, 20, 0, 0],
    legend: {show: false},
    cursor: {y: false, points: {size: 6}, drag: {x: false, y: false}},
    scales: {y: {range: (_u, _min, max) => [0, Math.max(max * 1.1, max > 0 && !props.least ? 0 : (props.least ?? 1))]}},
    axes: [
      {
        stroke: quiet,
        grid: {show: false},
        ticks: {show: false},
        font,
        size: 22,
        space: 70,
        values: (_u, ticks) => ticks.map((t) => tick(t, (ticks[1] ?? t + 60) - (ticks[0] ?? t))),
      },
      {
        stroke: quiet,
        grid,
        ticks: {show: false},
        font,
        size: 58,
        space: 32,
        values: (_u, ticks) => ticks.map(props.format),
      },
    ],
    series: [
      {},
      ...props.lines.map((line) => ({
        label: line.name,
        stroke: colourOf(line.colour),
        width: 1.5,
        points: {show: false},
        spanGaps: false,
        ...(line.dashed ? {dash: [5, 3]} : {fill: colourOf(line.colour) + "1a"}),
      })),
    ],
  };
}

export function Chart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = (): uPlot.AlignedData => [props.times, ...props.lines.map((l) => l.values)];
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(props, at.clientWidth), data(), at);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({width: at.clientWidth, height: 150}));
    resized.observe(at);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme.value, props.title, props.span]);
  useEffect(() => plot.current?.setData(data()), [props.times, props.lines]);
  return (
    <figure class="chart">
      <figcaption>
        <strong>{props.title}</strong>
        <span class="keys" aria-hidden="true">
          {props.lines.map((l) => (
            <span key={l.name} class={"key " + l.colour.slice(2) + (l.dashed ? " dashed" : "")}>
              {l.name}
            </span>
          ))}
        </span>
        <span class="hidden">{summary(props)}</span>
      </figcaption>
      <div ref={box} class="plot" aria-hidden="true" />
    </figure>
  );
}
