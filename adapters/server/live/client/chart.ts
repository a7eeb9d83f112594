/** One time-series chart with a legend of its own, over uPlot. */
import type uPlot from "uplot";
import type { History } from "./history.ts";

export interface Chart {
  /** Draws what the history holds now, up to the moment given; `names` are the series, in their order. */
  draw(names: readonly string[], nowMs: number): void;
  /** The colours of the page have changed. */
  recolour(): void;
}

export interface ChartOptions {
  /** The library's global. */
  readonly Plot: typeof uPlot;
  /** Has a `.plot` and a `.legend` in it. */
  readonly host: HTMLElement;
  readonly history: History;
  readonly spanSecs: number;
  readonly format: (value: number) => string;
  readonly labelOf: (name: string) => string;
}

export function createChart({ Plot, host, history, spanSecs, format, labelOf }: ChartOptions): Chart {
  const place = host.querySelector<HTMLElement>(".plot")!; // the page's own markup
  const legend = host.querySelector<HTMLElement>(".legend")!;
  let plot: uPlot | undefined;
  let drawn = "";
  let nowSecs = 0;
  let values: HTMLElement[] = [];

  const colour = (name: string): string =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dataOf = (names: readonly string[]): uPlot.AlignedData => [
    history.times,
    ...names.map((name) => history.series.get(name) ?? []),
  ];
  const clockTime = (secs: number): string =>
    new Date(secs * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const sizeOf = () => ({ width: place.clientWidth, height: place.clientHeight });

  const showValues = (names: readonly string[], at: number): void => {
    for (const [i, name] of names.entries()) {
      const value = history.series.get(name)?.[at];
      values[i]!.textContent = value === undefined || value === null ? "–" : format(value);
    }
  };

  const fillLegend = (names: readonly string[]): void => {
    values = names.map(() => document.createElement("b"));
    legend.replaceChildren(
      ...names.map((name, i) => {
        const item = document.createElement("span");
        const swatch = document.createElement("i");
        swatch.className = `line-${i % 8}`;
        item.append(swatch, ` ${labelOf(name)} `, values[i]!);
        return item;
      }),
    );
  };

  const build = (names: readonly string[]): void => {
    plot?.destroy();
    fillLegend(names);
    const axis: uPlot.Axis = {
      stroke: () => colour("--muted"),
      grid: { stroke: () => colour("--grid"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    plot = new Plot(
      {
        ...sizeOf(),
        padding: [8, 20, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { setScale: false }, points: { size: 6 } },
        scales: {
          x: { range: () => [nowSecs - spanSecs, nowSecs] },
          y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          { ...axis, space: 60, size: 26, values: (_plot, splits) => splits.map(clockTime) },
          { ...axis, size: 52, values: (_plot, splits) => splits.map(format) },
        ],
        series: [
          {},
          ...names.map((_name, i) => ({
            stroke: () => colour(`--line-${i % 8}`),
            width: 1.75,
            points: { show: false },
            ...(names.length === 1 && { fill: () => `${colour("--line-0")}22` }),
          })),
        ],
        hooks: {
          setCursor: [({ cursor }) => showValues(names, cursor.idx ?? history.times.length - 1)],
        },
      },
      dataOf(names),
      place,
    );
  };

  new ResizeObserver(() => plot?.setSize(sizeOf())).observe(place);
  return {
    draw(names, nowMs) {
      nowSecs = nowMs / 1000;
      const key = names.join("\n");
      if (plot === undefined || key !== drawn) build(names);
      else plot.setData(dataOf(names));
      drawn = key;
      showValues(names, plot?.cursor.idx ?? history.times.length - 1);
    },
    recolour: () => plot?.redraw(false),
  };
}
