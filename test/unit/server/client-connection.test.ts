/** A client's connection over a socket and a clock of the test's: order, bounds and deadlines. */
import { describe, expect, it } from "vitest";
import {
  type CarriedRequest,
  ClientConnection,
  type ConnectionOwner,
} from "../../../adapters/server/http/server/connection.ts";
import type { RequestHead } from "../../../adapters/server/http/server/request-parser.ts";
import type { ServerSocket } from "../../../adapters/server/http/socket.ts";

const PATIENCE_MS = 10_000;
const GET = "GET /1 HTTP/1.1\r\nhost: h\r\n\r\n";
const POST_HEAD = "POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 6\r\n\r\n";
const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

class FakeSocket implements ServerSocket {
  written = "";
  isPaused = false;
  end: "open" | "shut down" | "closed" | "reset" = "open";
  /** Pauses and resumes. */
  flowChanges = 0;
  isFull = false;

  write(text: string, parts: readonly Uint8Array[]): boolean {
    this.written += text + parts.map(latin1).join("");
    return !this.isFull;
  }
  pause(): void {
    this.isPaused = true;
    this.flowChanges++;
  }
  resume(): void {
    this.isPaused = false;
    this.flowChanges++;
  }
  shutdown(): void {
    this.end = "shut down";
  }
  close(): void {
    if (this.end !== "reset") this.end = "closed";
  }
  reset(): void {
    this.end = "reset";
  }
}

/** What a test sees of one request, and does with it. */
class Seen implements CarriedRequest {
  readonly head: RequestHead;
  readonly events: string[] = [];
  isAnswered = false;

  constructor(head: RequestHead) {
    this.head = head;
  }
  onBody(bytes: Uint8Array): void {
    this.events.push(latin1(bytes));
  }
  onEnd(): void {
    this.events.push("end");
  }
  onDrain(): void {
    this.events.push("drain");
  }
  onLeft(): void {
    this.events.push("left");
  }
  onCutOff(): void {
    this.events.push("cut off");
  }
  onGivenUp(): boolean {
    this.events.push("given up");
    return this.isAnswered;
  }
}

function open({ readsBody = true, isClosing = false } = {}) {
  const socket = new FakeSocket();
  const seen: Seen[] = [];
  const closed: ClientConnection[] = [];
  const faults: unknown[] = [];
  const clock = { now: 1_000_000 };
  const owner: ConnectionOwner = {
    now: () => clock.now,
    patienceMs: () => PATIENCE_MS,
    onRequest(head, connection) {
      const request = new Seen(head);
      seen.push(request);
      connection.carry(request);
      if (readsBody) connection.readBody();
    },
    onClosed: (connection) => closed.push(connection),
    onFault: (error) => faults.push(error),
    nextRequestId: () => "id-1",
    isClosing,
  };
  const connection = new ClientConnection(owner, socket);
  return {
    socket,
    seen,
    closed,
    faults,
    connection,
    sends: (text: string) => connection.onData(Buffer.from(text, "latin1")),
    answer(text = ANSWER) {
      connection.write(text, []);
      connection.answered();
    },
    passes(ms: number) {
      clock.now += ms;
      connection.expire(clock.now);
    },
  };
}

describe("a client's connection", () => {
  it("keeps the next request until the one in hand is answered, and goes on reading, lest it miss that the client leaves", () => {
    const { sends, seen, socket, answer } = open();
    sends(GET + GET.replace("/1", "/2"));
    expect(seen.map(({ head }) => head.target)).toEqual(["/1"]);
    expect(socket.flowChanges).toBe(0);
    answer();
    expect(seen.map(({ head }) => head.target)).toEqual(["/1", "/2"]);
    answer();
    expect(socket).toMatchObject({ written: ANSWER + ANSWER, end: "open" });
  });

  it("reads no further than 16 KiB ahead", () => {
    const { sends, seen, socket, answer } = open();
    const next = `${GET.slice(0, -2)}pad: ${"x".repeat(4_000)}\r\n\r\n`;
    sends(GET + next + next + next);
    expect(socket.isPaused).toBe(false);
    sends(next + next);
    expect(socket.isPaused).toBe(true);
    for (let n = 0; n < 6; n++) answer();
    expect(seen).toHaveLength(6);
    expect(socket.isPaused).toBe(false);
  });

  it("takes up what comes after it stopped reading, in order", () => {
    const { sends, seen, answer } = open();
    sends(`${GET}GET /2 HT`);
    sends("TP/1.1\r\nhost: h\r\n\r\n");
    answer();
    expect(seen.map(({ head }) => head.target)).toEqual(["/1", "/2"]);
  });

  it("answers a thousand pipelined requests that are refused on the spot", () => {
    const { sends, socket, connection } = open();
    const answers: string[] = [];
    // As a listener that refuses in `onRequest`.
    const refusing = new ClientConnection(
      {
        now: () => 0,
        patienceMs: () => PATIENCE_MS,
        onRequest(head, carrying) {
          answers.push(head.target);
          carrying.answered();
        },
        onClosed() {},
        onFault() {},
        nextRequestId: () => "",
        isClosing: false,
      },
      socket,
    );
    refusing.onData(Buffer.from(GET.repeat(1000)));
    expect(answers).toHaveLength(1000);
    expect(refusing.isIdle).toBe(true);
    sends("");
    connection.close();
  });

  it("asks the system for nothing when a provider takes a body as it comes", () => {
    const { sends, seen, socket, connection } = open();
    sends(POST_HEAD);
    seen[0]!.onBody = () => {
      connection.pause();
      connection.resume();
    };
    sends("abc");
    sends("def");
    expect(socket.flowChanges).toBe(0);
  });

  it("stops reading an upload for as long as it is told to", () => {
    const { sends, seen, socket, connection } = open();
    sends(`${POST_HEAD}abc`);
    connection.pause();
    expect(socket.isPaused).toBe(true);
    connection.resume();
    expect(socket.isPaused).toBe(false);
    sends("def");
    expect(seen[0]!.events).toEqual(["abc", "def", "end"]);
  });

  it("waits with the body until it is wanted", () => {
    const { sends, seen, socket, connection } = open({ readsBody: false });
    sends(`${POST_HEAD}abc`);
    expect(seen[0]!.events).toEqual([]);
    connection.readBody();
    sends("def");
    expect(seen[0]!.events).toEqual(["abc", "def", "end"]);
    expect(socket.flowChanges).toBe(0);
  });

  it("drops what an early answer leaves of a request, and goes on with the next", () => {
    const { sends, seen, answer } = open();
    sends(`${POST_HEAD}abc`);
    answer();
    sends(`def${GET}`);
    expect(seen.map(({ head }) => head.target)).toEqual(["/p", "/1"]);
    expect(seen[0]!.events).toEqual(["abc"]);
  });

  it("lets the last answer be read before it closes on an upload that goes on, for five seconds", () => {
    const { sends, socket, connection, answer, passes } = open();
    sends(`${POST_HEAD}abc`);
    connection.isLast = true;
    answer();
    expect(socket.end).toBe("shut down");
    passes(4_999);
    expect(socket.end).toBe("shut down");
    passes(2);
    expect(socket.end).toBe("closed");
  });

  it("closes after the last answer, and keeps none while its server closes", () => {
    for (const options of [{ isClosing: true }, {}]) {
      const { sends, socket, closed, answer } = open(options);
      sends(options.isClosing ? GET : GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
      answer();
      expect(socket.end).toBe("closed");
      expect(closed).toHaveLength(1);
    }
  });

  it.each([
    ["a client that leaves", (socket: ClientConnection) => socket.onClose()],
    ["a server that ends it", (socket: ClientConnection) => socket.reset()],
  ])("tells a request of %s, once", (_, leave) => {
    const { sends, seen, closed, connection } = open();
    sends(`${POST_HEAD}abc`);
    leave(connection);
    connection.onClose();
    sends("def");
    expect(seen[0]!.events).toEqual(["abc", "left"]);
    expect(closed).toEqual([connection]);
  });

  it("does not tell a request of the end that it asked for", () => {
    const { sends, seen, socket, connection } = open();
    sends(GET);
    connection.breakOff(true);
    expect(seen[0]!.events).toEqual([]);
    expect(socket.end).toBe("closed");
    const other = open();
    other.sends(GET);
    other.connection.breakOff(false);
    expect(other.socket.end).toBe("reset");
  });

  it("drops an upload that goes on for as long as it does, but no longer than half a minute", () => {
    const { connection, sends, socket, answer, passes } = open();
    sends(POST_HEAD.replace("6", "1000"));
    connection.isLast = true;
    answer();
    for (let n = 0; n < 7; n++) {
      passes(4_000);
      sends("abc");
    }
    expect(socket.end).toBe("shut down");
    passes(2_000);
    expect(socket.end).toBe("closed");
  });

  it("tells a request that the server ends, before it breaks the connection", () => {
    const { connection, sends, seen, socket } = open();
    sends(GET);
    connection.cutOff();
    expect(seen[0]!.events).toEqual(["cut off", "left"]);
    expect(socket.end).toBe("reset");
  });

  it("answers what is no request, drops whatever follows, and closes", () => {
    const { sends, seen, socket, connection, passes } = open();
    sends(`nonsense\r\n\r\n${GET}`);
    expect(socket.written).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\ncontent-length: 0\r\nx-beyond-request-id: id-1\r\ndate: [^\r]+\r\nconnection: close\r\n\r\n$/,
    );
    sends(GET);
    expect(seen).toEqual([]);
    expect(socket).toMatchObject({ end: "shut down", isPaused: false });
    passes(5_000);
    expect(connection.isClosed).toBe(true);
  });

  it("gives a request up when its body is no HTTP: 400 before the answer, a reset within it", () => {
    for (const isAnswered of [false, true]) {
      const { sends, seen, socket } = open();
      sends("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
      seen[0]!.isAnswered = isAnswered;
      sends("zz\r\n");
      expect(seen[0]!.events).toEqual(["given up"]);
      expect(socket.end).toBe(isAnswered ? "reset" : "shut down");
      expect(socket.written.startsWith("HTTP/1.1 400 ")).toBe(!isAnswered);
    }
  });

  it("survives a fault of what it carries", () => {
    const { sends, seen, socket, faults } = open();
    sends(POST_HEAD);
    seen[0]!.onBody = () => {
      throw new TypeError("a bug");
    };
    sends("abc");
    expect(faults).toEqual([new TypeError("a bug")]);
    expect(socket.written).toMatch(/^HTTP\/1\.1 500 /);
  });

  it.each([
    ["an idle connection", 75_000, "", { end: "closed", written: "" }],
    ["a head that does not end", 60_000, "GET / HT", { end: "shut down", written: /^HTTP\/1\.1 408 / }],
    [
      "a body that does not end",
      PATIENCE_MS,
      `${POST_HEAD}abc`,
      { end: "shut down", written: /^HTTP\/1\.1 408 / },
    ],
  ])("gives %s up after %i ms", (_, ms, sent, { end, written }) => {
    const { sends, socket, passes } = open();
    if (sent !== "") sends(sent);
    passes(ms - 1);
    expect(socket.end).toBe("open");
    passes(1);
    expect(socket.end).toBe(end);
    expect(socket.written).toMatch(written);
  });

  it("counts a head's time from its first byte, a body's from its last one, and a provider's not at all", () => {
    const { sends, socket, connection, passes } = open();
    passes(50_000);
    sends("POST /p HTTP/1.1\r\n");
    passes(50_000);
    sends("host: h\r\ncontent-length: 6\r\n\r\n");
    passes(PATIENCE_MS - 1);
    sends("abc");
    passes(PATIENCE_MS - 1);
    connection.pause();
    passes(10 * PATIENCE_MS);
    connection.resume();
    passes(PATIENCE_MS - 1);
    sends("def");
    passes(10 * PATIENCE_MS);
    expect(socket.end).toBe("open");
  });

  it("gives up a client that does not read its answer, by a reset", () => {
    const { sends, seen, socket, connection, passes } = open();
    sends(GET);
    seen[0]!.isAnswered = true;
    socket.isFull = true;
    expect(connection.write("some", [])).toBe(false);
    passes(PATIENCE_MS - 1);
    connection.onDrain();
    passes(PATIENCE_MS);
    expect(socket.end).toBe("open");
    connection.write("more", []);
    passes(PATIENCE_MS);
    expect(socket.end).toBe("reset");
    expect(seen[0]!.events).toEqual(["drain", "given up"]);
  });
});
