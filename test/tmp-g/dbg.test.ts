import { it } from "vitest";
import { startOnBun } from "/work/main/test/support/runtimes.ts";
import { startLab } from "/work/main/test/conformance/start-lab.ts";
import { fixtures } from "/work/main/test/conformance/sections/fixtures.ts";
import { uploads } from "/work/main/test/conformance/sections/uploads.ts";
import { streaming } from "/work/main/test/conformance/sections/streaming.ts";
it("x", async () => {
  const lab = await startLab(startOnBun);
  const list: any[] = [];
  const check = (id: string, t: string, f: any) => list.push([id, f]);
  uploads(check as any); fixtures(check as any); streaming(check as any);
  const want = (process.env.ONLY ?? "").split(",");
  for (let i=0;i<Number(process.env.TIMES??1);i++) for (const [id, f] of list) if (want.includes(id)) { lab.standIn.reset(); const t = Date.now(); await f(lab).then(() => console.log("ok", id, Date.now() - t), (e: any) => console.log("FAIL", id, e.message.slice(0, 300))); }
  console.log(lab.base.stderr()); console.log(lab.base.rawRows().slice(-3).join("\n"));
  await lab.stop();
});
