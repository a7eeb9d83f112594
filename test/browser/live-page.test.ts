/** The live page in Chromium, over a gateway with real traffic. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT, startCommand } from "../cli/cli.ts";
import { ask, configOver, RUNTIMES, startServed } from "../ops/served.ts";
import { fixture, gated, json } from "../support/answers.ts";
import { CLOSED_PORT } from "../support/closed-port.ts";
import { mint } from "../support/mint.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { launchBrowser } from "./browser.ts";

let browser: Browser;
let provider: StandIn;
beforeAll(async () => {
  browser = await launchBrowser();
  provider = await startStandIn();
});
afterAll(async () => {
  await browser?.close();
  await provider?.close();
});

/** A page, and all that its console and its policy complain of. */
async function openTab(
  options: Parameters<Browser["newPage"]>[0] = {},
): Promise<{ tab: Page; complaints: string[]; asked: string[] }> {
  const tab = await browser.newPage(options);
  const complaints: string[] = [];
  const asked: string[] = [];
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("request", (request) => asked.push(request.url()));
  return { tab, complaints, asked };
}

const textOf = (tab: Page, selector: string, text: string | RegExp) =>
  tab.locator(selector).filter({ hasText: text }).first().waitFor();

describe.each(RUNTIMES)("the live page on $runtime", (runtime) => {
  it("shows rows, rates, streams, breakers and refusals as they happen, from no other place", async () => {
    provider.reset();
    const gateway = await startServed(
      runtime,
      configOver(provider.authority, {
        provider_authorities: { openai: provider.authority, dead: CLOSED_PORT },
        pool_keys: { openai: "sk-pool-1", dead: "sk-dead" },
        circuit_breaker_threshold: 1,
      }),
    );
    provider.enqueue("/v1/chat/completions", fixture("openai-chat-json"));
    await (await ask(gateway.url)).text();
    const { tab, complaints, asked } = await openTab();
    await tab.goto(gateway.adminUrl);
    await textOf(tab, "#status", "live");
    await textOf(tab, "td.tenant", "42");

    // The model's name is what a provider says it is, markup included.
    const name = '<img src=x onerror="document.title=1">';
    provider.enqueue(
      "/v1/chat/completions",
      json(200, {
        id: "1",
        object: "chat.completion",
        model: name,
        choices: [],
        usage: { prompt_tokens: 1000, completion_tokens: 20, total_tokens: 1020 },
      }),
    );
    await (await ask(gateway.url, { key: mint({ tenantId: "18446744073709551615" }) })).text();
    await textOf(tab, "td.model", name);
    await textOf(tab, "td.tenant", "18446744073709551615");
    await textOf(tab, "#tokens .legend", "openai");

    expect((await ask(gateway.url, { path: "/dead/v1/chat/completions" })).status).toBe(502);
    expect((await ask(gateway.url, { key: "bai_v1.1.forged" })).status).toBe(401);
    await textOf(tab, "#breakers li", "dead open");
    await textOf(tab, "#rejections .legend", /invalid key/);
    await textOf(tab, "#deny-source", "local");
    await textOf(tab, "td.outcome", "upstream error");

    const stream = gated({ "content-type": "text/event-stream" });
    provider.enqueue("/v1/chat/completions", stream.answer);
    const asking = ask(gateway.url, { body: { stream: true } });
    await stream.release("data: {}\n\n");
    await textOf(tab, "#now-streams", /^1$/);
    stream.end();
    await (await asking).text();
    await textOf(tab, "#now-streams", /^0$/);
    await textOf(tab, "#now-latency", /ms|s$/);
    await textOf(tab, "#ttft .legend", /p95 [\d.]+ ms/);

    // Paused, it stands still, and loses nothing.
    await tab.getByRole("button", { name: "Pause" }).click();
    const held = await tab.locator("tbody tr").count();
    await (await ask(gateway.url, { key: mint({ tenantId: "77" }) })).text();
    await textOf(tab, "#rows .note", "1 waiting");
    expect(await tab.locator("tbody tr").count()).toBe(held);
    await tab.getByRole("button", { name: "Resume" }).click();
    await textOf(tab, "tbody tr:first-child td.tenant", "77");

    const drawn = await tab
      .locator("canvas")
      .evaluateAll((all) => all.filter((one) => one.clientWidth > 200).length);
    expect(drawn).toBe(5);
    expect(await tab.content()).not.toMatch(/bai_v|sk-pool/);
    expect(complaints).toEqual([]);
    expect(new Set(asked.map((url) => new URL(url).origin))).toEqual(new Set([gateway.adminUrl]));
    await tab.close();
  });

  it("asks for the token, says when it is wrong, and opens with the right one", async () => {
    const gateway = await startServed(runtime, configOver(provider.authority, { admin_token: "a-token" }));
    const { tab } = await openTab();
    await tab.goto(gateway.adminUrl);
    await tab.locator("#token").fill("a-guess");
    await tab.getByRole("button", { name: "Open" }).click();
    await tab.getByText("That is not its token.").waitFor();
    expect(await tab.locator("main").isVisible()).toBe(false);
    await tab.locator("#token").fill("a-token");
    await tab.keyboard.press("Enter");
    await textOf(tab, "#status", "live");
    expect(await tab.locator("main").isVisible()).toBe(true);
    const kept = await tab.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
    );
    expect(kept).not.toContain("a-token");
    await tab.close();
  });

  it("says so when the gateway is gone, and comes back with it", async () => {
    const config = configOver(provider.authority);
    const first = await startServed(runtime, config);
    const { tab } = await openTab();
    await tab.goto(first.adminUrl);
    await textOf(tab, "#status", "live");
    first.process.child.kill("SIGKILL");
    await textOf(tab, "#status", "reconnecting");
    await startServed(runtime, { ...config, metrics_listen: new URL(first.adminUrl).host });
    await textOf(tab, "#status", "live");
    await tab.close();
  });
});

describe("with five busy minutes on it", () => {
  const serve = async (): Promise<string> => {
    const server = startCommand(process.execPath, [join(PROJECT_ROOT, "test/browser/scripted-page.ts")]);
    const [url] = await server.seen("stdout", /^http:\S+$/m);
    return url;
  };
  const open = async (options: Parameters<typeof openTab>[0]) => {
    const opened = await openTab(options);
    await opened.tab.goto(await serve());
    await opened.tab.locator("tbody tr").first().waitFor();
    await textOf(opened.tab, "#breakers li", "groq open");
    return { ...opened, close: () => opened.tab.close() };
  };

  it("is one document of less than 100 KB", async () => {
    expect((await (await fetch(await serve())).arrayBuffer()).byteLength).toBeLessThan(100_000);
  });

  it.each([
    { what: "a phone", viewport: { width: 360, height: 740 }, isMobile: true },
    { what: "a tablet", viewport: { width: 820, height: 1180 } },
    { what: "a small tablet", viewport: { width: 768, height: 1024 } },
    { what: "a desk", viewport: { width: 1440, height: 900 } },
  ])(
    "fits $what without scrolling sideways, no text under 11 pixels",
    async ({ viewport, isMobile = false }) => {
      const { tab, complaints, close } = await open({ viewport, isMobile });
      expect(await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      // The table may scroll on its own, and has no need to.
      expect(await tab.locator("#rows").evaluate((rows) => rows.scrollWidth - rows.clientWidth)).toBe(0);
      const smallest = await tab.evaluate(() =>
        Math.min(
          ...[...document.querySelectorAll("main *")].map((one) =>
            Number.parseFloat(getComputedStyle(one).fontSize),
          ),
        ),
      );
      expect(smallest).toBeGreaterThanOrEqual(11);
      expect(complaints).toEqual([]);
      await close();
    },
  );

  it.each(["light", "dark"] as const)(
    "keeps a contrast of 4.5 to 1 between text and ground in %s",
    async (colorScheme) => {
      const { tab, close } = await open({ colorScheme });
      const poor = await tab.evaluate(() => {
        const parts = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
        const luminance = (colour: string) => {
          const [r = 0, g = 0, b = 0] = parts(colour).map((part) => {
            const c = part / 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const groundOf = (element: Element): string => {
          for (let one: Element | null = element; one; one = one.parentElement) {
            const { backgroundColor } = getComputedStyle(one);
            if (parts(backgroundColor)[3] !== 0) return backgroundColor;
          }
          return "rgb(255, 255, 255)";
        };
        return [...document.querySelectorAll("body *")]
          .filter((one) =>
            [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()),
          )
          .filter((one) => !["SCRIPT", "NOSCRIPT"].includes(one.tagName))
          .flatMap((one) => {
            const [a, b] = [luminance(getComputedStyle(one).color), luminance(groundOf(one))].sort(
              (x, y) => y - x,
            );
            const ratio = (a! + 0.05) / (b! + 0.05);
            return ratio < 4.5
              ? [`${one.tagName}.${one.className} ${one.textContent?.slice(0, 20)} ${ratio.toFixed(2)}`]
              : [];
          });
      });
      expect([...new Set(poor)]).toEqual([]);
      await close();
    },
  );

  it("filters rows by every word of what is typed", async () => {
    const { tab, close } = await open({});
    const all = await tab.locator("tbody tr:visible").count();
    await tab.getByRole("searchbox").fill("GROQ error");
    const shown = tab.locator("tbody tr:visible");
    const matching = await shown.count();
    expect(matching).toBeGreaterThan(0);
    expect(matching).toBeLessThan(all);
    for (const text of await shown.allTextContents()) expect(text).toMatch(/groq.*upstream error/);
    await textOf(tab, "#rows .note", `${matching} of ${all} rows`);
    await close();
  });

  it("draws another kind of token when it is asked for, and the other colours when night falls", async () => {
    const { tab, close } = await open({ colorScheme: "light" });
    await textOf(tab, "#tokens .legend", "groq");
    await tab.getByRole("button", { name: "cache write" }).click();
    expect(await tab.locator("#tokens .legend span").allTextContents()).toEqual([
      expect.stringMatching(/^ ?anthropic [\d.]+k$/),
    ]);
    const pixels = () =>
      tab
        .locator("#tokens canvas")
        .evaluate((canvas) => (canvas instanceof HTMLCanvasElement ? canvas.toDataURL() : ""));
    const day = await pixels();
    await tab.emulateMedia({ colorScheme: "dark" });
    await expect.poll(pixels).not.toBe(day);
    await close();
  });
});
