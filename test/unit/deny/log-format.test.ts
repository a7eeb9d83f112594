import { describe, expect, it } from "vitest";
import { type Deny, formatDenyKey } from "../../../src/deny/entry.ts";
import {
  createLogReader,
  formatLogEntry,
  formatLogHeader,
  LogFormatError,
  type LogSummary,
} from "../../../src/deny/log-format.ts";

const HEADER = '{"format":"beyond-ai-deny/1","revision":7,"stream":"2026-11-21T00:00:00Z"}\n';
const encoder = new TextEncoder();

function read(file: string | Uint8Array, chunkBytes = Number.POSITIVE_INFINITY) {
  const bytes = typeof file === "string" ? encoder.encode(file) : file;
  const found = new Map<string, Deny>();
  const reader = createLogReader(({ id, deny }) => {
    if (deny === undefined) found.delete(formatDenyKey(id));
    else found.set(formatDenyKey(id), deny);
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.slice(at, at + chunkBytes));
  const summary: LogSummary = reader.end();
  return { found: Object.fromEntries(found), summary };
}

describe("the snapshot format", () => {
  const FILE =
    HEADER +
    '{"key":"blackhole.1","value":"spend","revision":8}\n' +
    '{"key":"blackhole.key.2","value":{"reason":"fraud","expires_at":1796083200}}\n' +
    '{"key":"blackhole.3","value":"{\\"reason\\":\\"spend\\",\\"expires_at\\":1796083200}"}\n' +
    '{"key":"blackhole.1","value":"é","revision":12}\r\n' +
    '{"key":"blackhole.4","value":"spend"}\n' +
    '{"key":"blackhole.4","deleted":true}\n' +
    '{"key":"other.9","value":"spend","note":"not ours"}\n';
  const EXPECTED = {
    found: {
      "blackhole.1": { reason: "unknown", expiresAt: 0 },
      "blackhole.key.2": { reason: "fraud", expiresAt: 1796083200 },
      "blackhole.3": { reason: "spend", expiresAt: 1796083200 },
    },
    summary: { stream: "2026-11-21T00:00:00Z", revision: 12, lines: 7, foreignKeys: 1, torn: false },
  };

  it("lets the last line of a key win, whole, byte by byte and cut at every index", () => {
    expect(read(FILE)).toEqual(EXPECTED);
    expect(read(FILE, 1)).toEqual(EXPECTED);
    const length = encoder.encode(FILE).length;
    for (let cut = 1; cut < length; cut++) expect(read(FILE, cut)).toEqual(EXPECTED);
  });

  it("drops an unterminated last line wherever it was torn", () => {
    const bytes = encoder.encode(FILE);
    const headerEnd = HEADER.length;
    for (let end = headerEnd; end <= bytes.length; end++) {
      const isTorn = bytes[end - 1] !== 0x0a;
      const whole = bytes.slice(0, bytes.lastIndexOf(0x0a, end - 1) + 1);
      const { found, summary } = read(bytes.slice(0, end));
      expect(summary.torn).toBe(isTorn);
      expect(found).toEqual(read(whole).found);
    }
  });

  it.each([
    ["nothing", "", 1],
    ["a torn header", HEADER.trimEnd(), 1],
    ["another format", '{"format":"beyond-ai-deny/2","revision":1}\n', 1],
    ["no header", '{"key":"blackhole.1","value":"spend"}\n', 1],
    ["a header with a revision that is no count", '{"format":"beyond-ai-deny/1","revision":-1}\n', 1],
    [
      "a line that is not JSON",
      `${HEADER}{"key":"blackhole.1","value":"spend"\n{"key":"blackhole.2","value":"x"}\n`,
      2,
    ],
    ["an empty line", `${HEADER}\n{"key":"blackhole.2","value":"x"}\n`, 2],
    ["a line that is no object", `${HEADER}["blackhole.1"]\n`, 2],
    ["null", `${HEADER}null\n`, 2],
    ["an entry without a key", `${HEADER}{"value":"spend"}\n`, 2],
    ["an entry with neither value nor deletion", `${HEADER}{"key":"blackhole.1"}\n`, 2],
    ["an entry with both", `${HEADER}{"key":"blackhole.1","value":"spend","deleted":true}\n`, 2],
    ["a deletion that is not true", `${HEADER}{"key":"blackhole.1","deleted":1}\n`, 2],
    ["a revision that is text", `${HEADER}{"key":"blackhole.1","value":"spend","revision":"9"}\n`, 2],
    ["a line without end", `${HEADER}${"x".repeat(300_000)}`, 2],
    ["a line that is too long", `${HEADER}{"key":"blackhole.1","value":"${"x".repeat(70_000)}"}\n`, 2],
    ["two lines in one", `${HEADER}{"key":"blackhole.1","va{"key":"blackhole.1","value":"spend"}\n`, 2],
  ])("rejects a file with %s, however it is cut", (_what, file, line) => {
    for (const chunkBytes of [Number.POSITIVE_INFINITY, 4096, file.length > 5000 ? 4099 : 1]) {
      expect(() => read(file, chunkBytes)).toThrow(LogFormatError);
      expect(() => read(file, chunkBytes)).toThrow(`line ${line}:`);
    }
  });

  it("rejects bytes that are no UTF-8", () => {
    const bytes = encoder.encode(`${HEADER}{"key":"blackhole.1","value":"_"}\n`);
    bytes[bytes.indexOf(0x5f)] = 0xff;
    expect(() => read(bytes)).toThrow(LogFormatError);
  });

  it("reads back what it writes", () => {
    const id = { kind: "key", high: 0xffff_ffff, low: 0xffff_ffff } as const;
    const deny = { reason: "spend", expiresAt: 1796083200 } as const;
    const file =
      formatLogHeader({ stream: undefined, revision: 0 }) +
      formatLogEntry({ id, deny, revision: 3 }) +
      formatLogEntry({ id: { ...id, low: 0 }, deny: undefined });
    expect(file).toBe(
      '{"format":"beyond-ai-deny/1","revision":0}\n' +
        '{"key":"blackhole.key.18446744073709551615","value":{"reason":"spend","expires_at":"2026-12-01T00:00:00Z"},"revision":3}\n' +
        '{"key":"blackhole.key.18446744069414584320","deleted":true}\n',
    );
    expect(read(file).found).toEqual({ "blackhole.key.18446744073709551615": deny });
  });
});
