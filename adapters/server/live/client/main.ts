/** The page's life: connect, show what comes, connect again; ask for the token where there is one. */
import type uPlot from "uplot";
import type { Frame, Hello } from "../wire.ts";
import { readEvents } from "./events.ts";
import { formatUptime } from "./format.ts";
import { createPanels } from "./panels.ts";
import { createRowTable } from "./rows.ts";
import { showFrame } from "./tiles.ts";

export async function startLive(Plot: typeof uPlot): Promise<void> {
  const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T; // the page's own markup
  const panels = createPanels(Plot);
  const table = createRowTable(find("rows"), 200);
  const status = find("status");
  let startedAt = Date.now();
  let retryMs = 1000;
  /** Lives as long as the page and is stored nowhere. */
  let token: string | undefined;

  const say = (text: string, mood: string): void => {
    if (status.textContent === text) return;
    status.textContent = text;
    status.dataset.mood = mood;
  };

  const onHello = ({ version, startedAt: since, rows }: Hello): void => {
    startedAt = since;
    find("version").textContent = version;
    document.body.classList.remove("locked");
    table.clear();
    table.add(rows);
    retryMs = 1000;
    say("live", "good");
  };

  const onFrame = (frame: Frame): void => {
    if (frame.draining) say("draining", "warn");
    find("uptime").textContent = `up ${formatUptime(frame.at - startedAt)}`;
    showFrame(frame);
    panels.add(frame);
    if (frame.rows.length > 0) table.add(frame.rows);
  };

  /** Settles with what the user gives. */
  const askForToken = (isWrong: boolean): Promise<string> => {
    document.body.classList.add("locked");
    say("locked", "warn");
    find("wrong-token").hidden = !isWrong;
    const field = find<HTMLInputElement>("token");
    field.value = "";
    field.focus();
    return new Promise((resolve) => {
      find("unlock").onsubmit = (event) => {
        event.preventDefault();
        const given = field.value.trim();
        // What no header can carry is no token.
        if (/^[!-~]+$/.test(given)) resolve(given);
        else find("wrong-token").hidden = false;
      };
    });
  };

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", panels.recolour);
  for (;;) {
    const refused = await readEvents(token, (name, data) => {
      if (name === "hello") onHello(JSON.parse(data));
      else onFrame(JSON.parse(data));
    });
    if (refused === 401) {
      token = await askForToken(token !== undefined);
      continue;
    }
    say("reconnecting", "bad");
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(retryMs * 2, 10_000);
  }
}
