import { describe, expect, it } from "vitest";
import { headersDown, headersUpByo, headersUpManaged } from "../../../src/gateway/headers.ts";
import { readHeaders } from "../../../src/gateway/inbound.ts";

const TOKEN = "bai_v1.1.x.y";
const byo = (...headers: string[]) => headersUpByo(headers, readHeaders(headers));
const managed = (...headers: string[]) =>
  headersUpManaged(headers, readHeaders(headers), TOKEN, "bearer", "sk-pool");
const OWN = ["accept-encoding", "identity", "authorization", "Bearer sk-pool"];

describe("headersUpByo", () => {
  it("keeps everything but what belongs to the connection", () => {
    const kept = [
      "Cookie",
      "a=1",
      "X-Forwarded-For",
      "::1",
      "traceparent",
      "00-a-b-01",
      "Accept-Encoding",
      "gzip",
    ];
    expect(
      byo(
        "Host",
        "x",
        "Connection",
        "keep-alive, X-Hop",
        "x-hop",
        "1",
        "TE",
        "trailers",
        "X-Beyond-Tenant",
        "1",
        ...kept,
      ),
    ).toEqual(kept);
  });

  it("drops what each of several connection headers names", () => {
    const hops = [
      "Connection",
      "x-a",
      "connection",
      "keep-alive",
      "CONNECTION",
      "X-B",
      "x-a",
      "1",
      "x-b",
      "2",
    ];
    expect(byo(...hops, "x-c", "3")).toEqual(["x-c", "3"]);
    expect(headersDown([...hops, "x-c", "3"], undefined).headers).toEqual(["x-c", "3"]);
  });
});

describe("headersUpManaged", () => {
  it("takes out every place where a credential may stand, and puts the pool key in", () => {
    const list = [
      "authorization",
      `Bearer ${TOKEN}`,
      "X-Api-Key",
      "sk-1",
      "api-key",
      "k",
      "x-goog-api-key",
      "k",
      "x-note",
      `see ${TOKEN}`,
    ];
    expect(managed(...list)).toEqual(OWN);
  });

  it("sends the pool key by the provider's own scheme", () => {
    const up = headersUpManaged([], readHeaders([]), TOKEN, "x-api-key", "sk-pool");
    expect(up).toEqual(["accept-encoding", "identity", "x-api-key", "sk-pool"]);
  });

  it("keeps accounts, cookies and networks of the client to itself", () => {
    const list = [
      "openai-organization",
      "o",
      "OpenAI-Project",
      "p",
      "cookie",
      "c",
      "forwarded",
      "f",
      "x-forwarded-host",
      "h",
      "x-real-ip",
      "i",
      "via",
      "v",
      "cf-ray",
      "r",
      "accept-encoding",
      "gzip",
    ];
    expect(managed(...list, "x-stainless-lang", "js")).toEqual(["x-stainless-lang", "js", ...OWN]);
  });

  it("takes single anthropic-beta tokens out", () => {
    expect(managed("anthropic-beta", "files-api-2025-04-14, fine-grained, Skills-2025, oauth-1")).toEqual([
      "anthropic-beta",
      "fine-grained",
      ...OWN,
    ]);
    expect(managed("anthropic-beta", "files-api-2025-04-14")).toEqual(OWN);
    expect(managed("anthropic-beta", "a,  b")).toEqual(["anthropic-beta", "a,  b", ...OWN]);
  });
});

describe("headersDown", () => {
  it("hides what only the pool account may see", () => {
    const list = [
      "set-cookie",
      "a",
      "Set-Cookie",
      "b",
      "openai-organization",
      "o",
      "openai-project",
      "p",
      "anthropic-organization-id",
      "i",
      "x-echo",
      "Bearer sk-pool",
      "x-request-id",
      "r",
    ];
    expect(headersDown(list, "sk-pool").headers).toEqual(["x-request-id", "r"]);
    expect(headersDown(list, undefined).headers).toEqual(list);
  });

  it("drops what belongs to the connection, and names that are the gateway's own", () => {
    const list = [
      "Connection",
      "close, x-hop",
      "x-hop",
      "1",
      "transfer-encoding",
      "chunked",
      "x-beyond-provider",
      "evil",
      "date",
      "d",
    ];
    expect(headersDown(list, undefined).headers).toEqual(["date", "d"]);
  });

  it("reads what the relay must know", () => {
    expect(
      headersDown(
        ["Content-Type", "Text/Event-Stream", "content-encoding", "GZIP", "content-length", "12"],
        undefined,
      ),
    ).toMatchObject({
      contentType: "text/event-stream",
      contentEncoding: "gzip",
      contentLength: 12,
    });
    expect(headersDown(["content-encoding", "identity"], undefined).contentEncoding).toBe("");
  });
});
