/** What is remembered of a head once it has been dealt with, asked of the heap itself. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

const REQUEST = [
  "GET /v1/models HTTP/1.1",
  "host: gateway.internal:8080",
  "authorization: Bearer sk-of-the-client-itself",
  "user-agent: an-agent-with-a-long-name/1.0",
  "cookie: session-of-the-client",
];
const RESPONSE = [
  "HTTP/1.1 200 Very Fine Indeed",
  "server: a-server-with-a-long-name/1.0",
  "set-cookie: session-of-the-pool-account",
  "content-length: 0",
];

it("remembers no credential of a head, nor the head for the sake of another value", () => {
  const input = [REQUEST, RESPONSE].map((lines) => `${lines.join("\r\n")}\r\n\r\n`).join("");
  const { status, stdout } = spawnSync(process.execPath, ["test/support/head-reader.ts"], {
    input,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  expect(status).toBe(0);
  const isAlive = (text: string): boolean => stdout.includes(text);
  // What is to be remembered shows that the snapshot would have the rest.
  expect(["an-agent-with-a-long-name/1.0", "a-server-with-a-long-name/1.0"].filter(isAlive)).toHaveLength(2);
  const secrets = ["sk-of-the-client", "session-of-the-client", "session-of-the-pool-account"];
  expect(secrets.filter(isAlive)).toEqual([]);
});
