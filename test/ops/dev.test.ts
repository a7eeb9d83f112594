/** `dev` has a live page as well, and says where. */
import { expect, it } from "vitest";
import { startCli } from "../cli/cli.ts";

it("prints the address of a live page that shows the request that was just made", async () => {
  const dev = startCli(["dev", "--port", "0"]);
  await dev.seen("stdout", /Ctrl-C ends/);
  const [, url = "", liveUrl = ""] = /(http:\S+)\nlive page +(http:\S+)/.exec(dev.stdout()) ?? [];
  const [key = ""] = /^bai_v2\S+/m.exec(dev.stdout()) ?? [];
  expect((await fetch(liveUrl)).headers.get("content-type")).toMatch(/^text\/html/);
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: '{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hello"}]}',
  });
  await response.text();
  await dev.seen("stdout", / ok {2}tenant 1/);
  const feed = await fetch(`${liveUrl}live/events`);
  const reader = feed.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toMatch(
    /^event: hello\n.*"tenantId":"1","keyId":"1","provider":"openai"/,
  );
  await reader.cancel();
});
