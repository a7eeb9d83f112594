/** The admin listener of Bun, whose server takes a body in before anybody asks for it. */
import { expect, it } from "vitest";
import { openRaw } from "../support/raw-http.ts";
import { configOver, RUNTIMES, startServed } from "./served.ts";

const [, BUN] = RUNTIMES;

it("refuses a large body on its declaration", async () => {
  const { adminUrl } = await startServed(BUN, configOver("127.0.0.1:1"));
  const connection = await openRaw(adminUrl);
  connection.send("POST /livez HTTP/1.1\r\nhost: h\r\ncontent-length: 100000000\r\n\r\n");
  expect((await connection.readHead()).status).toBe(413);
  connection.destroy();
});
