/** Builds the live page: one document without any outside part, and the policy that holds it to that. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createChart } from "./client/chart.ts";
import { readEvents } from "./client/events.ts";
import { formatMs, formatNumber, formatUptime, trimmed } from "./client/format.ts";
import { createHistory } from "./client/history.ts";
import { startLive } from "./client/main.ts";
import { byProviderAndKind, createPanels } from "./client/panels.ts";
import { createRowTable, matchesFilter, rowElement } from "./client/rows.ts";
import { showBreakers, showFrame } from "./client/tiles.ts";
import { MARKUP } from "./markup.ts";
import { STYLE } from "./style.ts";

export interface LivePage {
  readonly html: string;
  /** For `content-security-policy`. */
  readonly policy: string;
}

/**
 * The page's program is these functions' own source, which is JavaScript wherever this runs (tsc emits it, Node strips the
 * types in place, Bun transpiles), so the page needs no bundler. They may use one another and the browser, and nothing else:
 * no constant of their module is there.
 */
const CLIENT = [
  trimmed,
  formatNumber,
  formatMs,
  formatUptime,
  readEvents,
  createHistory,
  createChart,
  matchesFilter,
  rowElement,
  createRowTable,
  byProviderAndKind,
  createPanels,
  showFrame,
  showBreakers,
];

export function buildPage(): LivePage {
  const style = readUPlot("uPlot.min.css") + STYLE;
  const scripts = [
    readUPlot("uPlot.iife.min.js"),
    `"use strict";\n${CLIENT.map(String).join("\n")}\n(${String(startLive)})(uPlot);`,
  ];
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>beyond-ai live</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<body>${MARKUP}${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
  return { html, policy: policyFor(style, scripts) };
}

/** The page may run and paint what is in it, and talk to where it came from. */
function policyFor(style: string, scripts: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(" ")}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

function readUPlot(file: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${file}`), "utf8");
}
