/** The five charts, and what each draws of a frame. */
import type uPlot from "uplot";
import type { Frame, Percentiles } from "../wire.ts";
import { type Chart, createChart } from "./chart.ts";
import { formatMs, formatNumber } from "./format.ts";
import { createHistory } from "./history.ts";

export interface Panels {
  add(frame: Frame): void;
  recolour(): void;
}

export function createPanels(Plot: typeof uPlot): Panels {
  const spanSecs = 300;
  const hostOf = (id: string): HTMLElement => document.getElementById(id)!; // the page's own markup
  const words = (name: string): string => name.replaceAll("_", " ");
  const charts: Chart[] = [];
  const rateChart = (id: string, labelOf = words) => chartOf(id, 0, formatNumber, labelOf);
  const timeChart = (id: string) => chartOf(id, null, formatMs, words);

  function chartOf(id: string, missing: 0 | null, format: (value: number) => string, labelOf: typeof words) {
    const history = createHistory(spanSecs, missing);
    const chart = createChart({ Plot, host: hostOf(id), history, spanSecs, format, labelOf });
    charts.push(chart);
    return { history, chart };
  }

  const requests = rateChart("requests");
  const rejections = rateChart("rejections");
  const tokens = rateChart("tokens", (name) => name.split(" ")[0]!);
  const ttft = timeChart("ttft");
  const latency = timeChart("latency");
  const kinds = hostOf("kinds");
  let kind = "output";
  let lastMs = Date.now();

  const drawTokens = (): void => {
    const names = [...tokens.history.series.keys()].filter((name) => name.endsWith(` ${kind}`));
    tokens.chart.draw(names, lastMs);
    hostOf("tokens").classList.toggle("empty", names.length === 0);
  };
  kinds.addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    kind = target.value;
    for (const button of kinds.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === target));
    }
    drawTokens();
  });

  const drawPercentiles = ({ history, chart }: typeof ttft, now: Percentiles | null): void => {
    history.push(lastMs, { p50: now?.p50 ?? null, p95: now?.p95 ?? null, p99: now?.p99 ?? null });
    chart.draw(["p50", "p95", "p99"], lastMs);
  };

  return {
    add(frame) {
      lastMs = frame.at;
      requests.history.push(lastMs, { requests: frame.requests });
      requests.chart.draw(["requests"], lastMs);
      rejections.history.push(lastMs, frame.rejections);
      const reasons = [...rejections.history.series.keys()];
      rejections.chart.draw(reasons, lastMs);
      hostOf("rejections").classList.toggle("empty", reasons.length === 0);
      tokens.history.push(lastMs, byProviderAndKind(frame.tokens));
      drawTokens();
      drawPercentiles(ttft, frame.ttft);
      drawPercentiles(latency, frame.latency);
    },
    recolour() {
      for (const chart of charts) chart.recolour();
    },
  };
}

/** `{ openai: { input: 1 } }` as `{ "openai input": 1 }`: neither a provider nor a kind has a blank in it. */
export function byProviderAndKind(tokens: Frame["tokens"]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(tokens).flatMap(([provider, kinds]) =>
      Object.entries(kinds).map(([kind, rate]): [string, number] => [`${provider} ${kind}`, rate]),
    ),
  );
}
