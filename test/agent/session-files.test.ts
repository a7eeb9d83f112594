/** What session files leave open when the file system fails them. */
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../adapters/node/agent/options.ts";
import { createSessionFile, openSessionFile, sessionFiles } from "../../adapters/node/agent/session-files.ts";
import { createSessionHost } from "../../adapters/node/agent/session-host.ts";
import { createAgent, formatLine, newHeader, type Session } from "../../src/agent/index.ts";
import { scripted } from "../unit/agent/scripted.ts";

let cwd: string;

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), "agent-sessions-")));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

/** The files that this process holds open and whose path begins so (proc(5)). */
function openFiles(start: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(start) ? [path] : [];
    } catch {
      // The folder's own descriptor, which is closed by now.
      return [];
    }
  });
}

function titleLine(title: string): string {
  return formatLine({ type: "title_change", id: title, parent_id: null, timestamp: "", title });
}

describe("a session file", () => {
  it("that cannot be truncated is let go of", async () => {
    const before = openFiles("/dev/null").length;
    const header = newHeader({ cwd, model: "m" });
    await expect(createSessionFile("/dev/null", header)).rejects.toThrow(/EINVAL/);
    expect(openFiles("/dev/null")).toHaveLength(before);
  });

  it("that cannot be written is let go of", async () => {
    const path = join(cwd, "s.jsonl");
    // A member that is not JSON fails where a full disk would: after the file was opened.
    const header = {
      ...newHeader({ cwd, model: "m" }),
      toJSON: () => {
        throw new Error("no room");
      },
    };
    await expect(createSessionFile(path, header)).rejects.toThrow("no room");
    expect(openFiles(cwd)).toEqual([]);
  });

  it("keeps a line that another process appends while it is opened", async () => {
    const path = join(cwd, "s.jsonl");
    writeFileSync(path, formatLine(newHeader({ cwd, model: "m" })));
    let opened = false;
    const opening = openSessionFile(path).finally(() => {
      opened = true;
    });
    let appended = 0;
    while (!opened) {
      appendFileSync(path, titleLine(`title ${appended++}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await (await opening)?.close();
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(1 + appended + 1);
  });

  it("loses its torn last line when it is opened", async () => {
    const path = join(cwd, "s.jsonl");
    const whole = formatLine(newHeader({ cwd, model: "m" })) + titleLine("kept");
    writeFileSync(path, `${whole}{"type":"title_ch`);
    const session = await openSessionFile(path);
    expect(session?.state.title).toBe("kept");
    await session?.close();
    expect(readFileSync(path, "utf8")).toBe(whole);
  });
});

describe("the session files of a folder", () => {
  it("are read one at a time, the last used first, when they are asked for", async () => {
    const ids = ["oldest", "middle", "newest"].map((name, index) => {
      const header = newHeader({ cwd, model: name });
      const path = join(cwd, `${name}.jsonl`);
      writeFileSync(path, formatLine(header));
      utimesSync(path, index, index);
      return header.id;
    });
    writeFileSync(join(cwd, "other.jsonl"), "no session\n");
    const files = sessionFiles(cwd);
    expect((await files.next()).value).toMatchObject({ session_id: ids[2], model: "newest" });
    // Had it been read already, it would still be given.
    rmSync(join(cwd, "middle.jsonl"));
    expect((await files.next()).value).toMatchObject({ session_id: ids[0], model: "oldest" });
    expect((await files.next()).done).toBe(true);
  });
});

describe("an exchange of sessions", () => {
  /** A host whose sessions fail to sync as long as `disk.fails`. */
  async function failingHost() {
    const disk = { fails: false };
    const host = await createSessionHost({
      config: readConfig({ cwd, key: "bai_v1.test" }, { AI_AGENT_SESSION_DIR: cwd }),
      sessionFile: undefined,
      sessionFolder: cwd,
      open: (session) => createAgent({ transport: scripted(), session: withDisk(session, disk) }),
    });
    return { host, disk };
  }

  function withDisk(session: Session, disk: { fails: boolean }): Session {
    const sync = () => (disk.fails ? Promise.reject(new Error("EIO")) : session.sync());
    const close = () => sync().finally(() => session.close());
    return Object.create(session, { sync: { value: sync }, close: { value: close } });
  }

  it("leaves the new one closed and the old one in use when the old one cannot be synced", async () => {
    const { host, disk } = await failingHost();
    const { id } = host.agent.session.header;
    const before = openFiles(cwd);
    disk.fails = true;
    await expect(host.start()).rejects.toThrow("EIO");
    expect(host.agent.session.header.id).toBe(id);
    expect(before).toHaveLength(1);
    expect(openFiles(cwd)).toEqual(before);

    disk.fails = false;
    await host.agent.session.setTitle("still open");
    await host.start();
    expect(host.agent.session.header.id).not.toBe(id);
    expect(openFiles(cwd)).toHaveLength(1);
    await host.agent.session.close();
    expect(openFiles(cwd)).toEqual([]);
  });
});
