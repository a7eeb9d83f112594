import { it } from "vitest";
import { startOnBun, startOnNode } from "../support/runtimes.ts";
import { startLab } from "../conformance/start-lab.ts";
import { ask } from "../conformance/lab.ts";
import { forge, mint } from "../support/mint.ts";
import { ceilings } from "../conformance/sections/ceilings.ts";
it("x", async () => {
  for (const [n, start] of [["bun", startOnBun], ["node", startOnNode]] as const) {
    const lab = await startLab(start);
    const key = mint({ tenantId: "7004" });
    const run = async (label: string) => {
      const first: number[] = [];
      for (;;) { const r = await ask(lab.ceilings, { target: "/openai/v1/models", key }); first.push(r.status); if (r.status === 200 || first.length > 400) break; }
      const t = performance.now();
      const b = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(lab.ceilings, { target: "/openai/v1/models", key: forge(100 + i) }).then((r) => r.status)));
      const dt = performance.now() - t;
      const last = await ask(lab.ceilings, { target: "/openai/v1/models", key });
      console.log(n, label, "attempts", first.length, "burst", b.filter((s) => s === 401).length, Math.round(dt), "last", last.status);
    };
    await run("fresh");
    const list: any[] = []; ceilings(((id: string, _t: string, f: any) => list.push([id, f])) as any);
    await list.find(([id]) => id === "ceilings/before-signature")[1](lab).catch((e: any) => console.log(e.message));
    await run("after others");
    await lab.stop();
  }
}, 60000);
