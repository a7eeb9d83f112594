/** The figures at the top, and the state of breakers and deny source. */
import type { Frame } from "../wire.ts";
import { formatMs, formatNumber } from "./format.ts";

export function showFrame(frame: Frame): void {
  const put = (id: string, text: string, mood = ""): void => {
    const place = document.getElementById(id)!; // the page's own markup
    place.textContent = text;
    place.dataset.mood = mood;
  };
  const sum = (rates: readonly number[]): number => rates.reduce((total, rate) => total + rate, 0);
  const rejected = sum(Object.values(frame.rejections));
  put("now-requests", formatNumber(frame.requests));
  put("now-rejected", formatNumber(rejected), rejected > 0 ? "warn" : "");
  put(
    "now-tokens",
    formatNumber(sum(Object.values(frame.tokens).flatMap((kinds) => [kinds.input ?? 0, kinds.output ?? 0]))),
  );
  put("now-streams", formatNumber(frame.streams));
  put("now-flight", formatNumber(frame.inFlight));
  put("now-ttft", frame.ttft ? formatMs(frame.ttft.p95) : "–");
  put("now-latency", frame.latency ? formatMs(frame.latency.p95) : "–");
  put("now-denied", formatNumber(frame.denied));

  const source =
    frame.denyConnected === null
      ? ["Deny source: local", ""]
      : frame.denyConnected
        ? ["Deny source: connected", "good"]
        : ["Deny source: unreachable, known denies stay", "bad"];
  put("deny-source", source[0]!, source[1]);
  showBreakers(frame.circuits);
}

export function showBreakers(circuits: Frame["circuits"]): void {
  const place = document.getElementById("breakers")!; // the page's own markup
  const all = Object.entries(circuits);
  // Only what changed is touched: a screen reader is not told of the same state each second.
  const key = JSON.stringify(all);
  if (place.dataset.state === key) return;
  place.dataset.state = key;
  place.replaceChildren(
    ...all.map(([provider, isOpen]) => {
      const chip = document.createElement("li");
      chip.textContent = isOpen ? `${provider} open` : provider;
      chip.dataset.mood = isOpen ? "bad" : "good";
      return chip;
    }),
  );
}
