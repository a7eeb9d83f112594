/** The test tools themselves: what the stand-in does on the wire, as the raw client sees it. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as answers from "./answers.ts";
import { fixtureNames, readFixture } from "./fixtures.ts";
import { formatRequest, openRaw, rawBytes, rawRequest } from "./raw-http.ts";
import { settled } from "./settled.ts";
import { type StandIn, startStandIn } from "./stand-in.ts";

const SSE = { "content-type": "text/event-stream" };

describe("stand-in and raw client", () => {
  let standIn: StandIn;
  let url: string;

  beforeAll(async () => {
    standIn = await startStandIn();
    url = `http://${standIn.authority}`;
  });
  afterAll(async () => {
    expect(standIn.faults).toEqual([]);
    await standIn.close();
  });

  it("records headers in wire order and spelling, the raw target and the body's hash", async () => {
    const body = "x".repeat(100_000);
    await rawRequest(url, {
      method: "POST",
      target: "/a/../b?x=%2e",
      headers: [
        ["X-Odd", "1"],
        ["x-odd", "2"],
      ],
      body,
    });
    const seen = await standIn.take();
    expect(seen.target).toBe("/a/../b?x=%2e");
    expect(seen.headers.slice(1, 3)).toEqual([
      ["X-Odd", "1"],
      ["x-odd", "2"],
    ]);
    expect(seen.header("X-ODD")).toEqual(["1", "2"]);
    const { whole, sha256, byteLength } = await seen.body;
    expect({ whole, sha256, byteLength }).toEqual({
      whole: true,
      sha256: createHash("sha256").update(body).digest("hex"),
      byteLength: 100_000,
    });
  });

  it.each(fixtureNames)("answers with fixture %s", async (name) => {
    const { response, body } = readFixture(name);
    standIn.enqueue("/fixture", answers.fixture(name));
    const got = await rawRequest(url, { method: "POST", target: "/fixture", body: "{}" });
    expect(got.status).toBe(response.status);
    expect(got.body.equals(body)).toBe(true);
    expect(got.clean).toBe(response.abort !== true);
    expect(got.header("content-type")).toEqual([response.headers["content-type"]]);
  });

  it.each(["fin", "rst"] as const)("cuts a body by %s after the bytes before it", async (by) => {
    standIn.enqueue("/cut", answers.cutMidBody(SSE, "data: 1\n\n", by));
    const connection = await openRaw(url);
    connection.send(formatRequest(url, { target: "/cut" }));
    await connection.readHead();
    expect(await connection.readBody()).toEqual({ body: Buffer.from("data: 1\n\n"), clean: false });
  });

  it("sends less than it declared", async () => {
    standIn.enqueue("/short", answers.shorterThanDeclared({}, "abc", 10));
    const { body, clean } = await rawRequest(url, { target: "/short" });
    expect([body.toString(), clean]).toEqual(["abc", false]);
  });

  it("lets a body out piece by piece", async () => {
    const body = answers.gated(SSE);
    standIn.enqueue("/gated", body.answer);
    const connection = await openRaw(url);
    connection.send(formatRequest(url, { target: "/gated" }));
    await connection.readHead();
    for (const piece of ["one", "two"]) {
      await body.release(piece);
      expect((await connection.readPiece())?.toString()).toBe(piece);
    }
    body.end();
    expect(await connection.readBody()).toEqual({ body: Buffer.alloc(0), clean: true });
    connection.destroy();
  });

  it("tells when the client left a request that hangs, and what of its body had come", async () => {
    standIn.enqueue("/hang", answers.hangBeforeHead());
    const connection = await openRaw(url);
    connection.send(`POST /hang HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf`);
    const seen = await standIn.take(({ target }) => target === "/hang");
    connection.destroy();
    await seen.clientGone;
    expect(await seen.body).toMatchObject({ whole: false, byteLength: 4 });
  });

  it("answers pipelined requests in order, and requests that arrive in odd pieces", async () => {
    standIn.enqueue("/p", answers.json(200, 1), answers.json(200, 2));
    const connection = await openRaw(url);
    const request = formatRequest(url, { target: "/p" });
    connection.send(Buffer.concat([request, request.subarray(0, 5)]));
    expect((await connection.readResponse()).json()).toBe(1);
    connection.send(request.subarray(5));
    expect((await connection.readResponse()).json()).toBe(2);
    connection.destroy();
    expect((await rawBytes(url, "NONSENSE\r\n\r\n")).status).toBe(400);
  });

  it("plays the embedded provider over HTTP", async () => {
    standIn.enqueue("/v1/chat/completions", answers.embedded());
    const body = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "hi" }] });
    const { status, header, text } = await rawRequest(url, {
      method: "POST",
      target: "/v1/chat/completions",
      body,
    });
    expect([status, header("content-type")]).toEqual([200, ["text/event-stream; charset=utf-8"]]);
    expect(text()).toMatch(/\[DONE\]\n\n$/);
  });

  it("stops writing a flood that nobody reads", async () => {
    const flood = answers.flood(SSE, Buffer.alloc(65_536), 4096);
    standIn.enqueue("/flood", flood.answer);
    const connection = await openRaw(url);
    connection.send(formatRequest(url, { target: "/flood" }));
    await connection.readHead();
    await settled(flood.bytesWritten);
    connection.destroy();
    expect(flood.bytesWritten()).toBeLessThan(64 * 1024 * 1024);
  });
});
