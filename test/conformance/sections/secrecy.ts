/** §5: after everything else has run, no secret stands in any output of the gateway. */
import { expect } from "vitest";
import { readKeyVectors } from "../../support/fixtures.ts";
import { BYO_KEY, KEY, type Section } from "../lab.ts";
import { PROVIDERS, poolKey } from "../setups.ts";

export const secrecy: Section = (check) => {
  check(
    "secrecy/outputs",
    "writes no pool key, virtual key or client key to stdout or stderr",
    async (lab) => {
      const secrets = [
        ...Object.keys(PROVIDERS).map(poolKey),
        KEY,
        BYO_KEY,
        ...readKeyVectors().valid.map(({ token }) => token),
      ];
      for (const gateway of [lab.base, lab.strict, lab.ceilings]) {
        const output = `${gateway.stderr()}\n${gateway.rawRows().join("\n")}`;
        expect(secrets.filter((secret) => output.includes(secret))).toEqual([]);
        expect(output).not.toMatch(/bai_v[12]\.\d+\.[\w-]{20}/);
      }
    },
  );

  check("secrecy/stdout", "writes nothing but rows to stdout, and each request id once", async (lab) => {
    const rows = lab.base.rows();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ target }) => target !== "ai.usage")).toEqual([]);
    expect(new Set(rows.map(({ request_id }) => request_id)).size).toBe(rows.length);
  });

  check("secrecy/stderr", "writes diagnostics as JSON lines", async (lab) => {
    for (const line of lab.base.stderr().split("\n")) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), message: expect.any(String) });
    }
  });
};
