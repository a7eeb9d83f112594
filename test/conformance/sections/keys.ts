/** §2: what a credential is, where it may stand, and that a bad virtual key never travels on. */
import { expect } from "vitest";
import { readKeyVectors } from "../../support/fixtures.ts";
import { mint } from "../../support/mint.ts";
import { openRaw } from "../../support/raw-http.ts";
import type { SeenRequest } from "../../support/stand-in.ts";
import { type Ask, ask, BYO_KEY, KEY, refused, relayed, rowOf, type Section } from "../lab.ts";
import { poolKey } from "../setups.ts";

const INVALID = { status: 401, code: "invalid_key", type: "authentication_error" } as const;
const TARGET = "/openai/v1/models";
/** What a header can carry as it stands: no control bytes, no space at the ends (HTTP strips it), no oversize. */
const HEADER_SAFE = /^[\x21-\x7e](?:[\x20-\x7e]{0,8000}[\x21-\x7e])?$/;

const vectors = readKeyVectors();
const OTHER_KEY = mint({ tenantId: "43" });

/** The pool key in its place and no other credential anywhere. */
function expectPoolKeyOnly(seen: SeenRequest): void {
  const head = JSON.stringify([seen.target, seen.headers]);
  expect(seen.header("authorization")).toEqual([`Bearer ${poolKey("openai")}`]);
  expect(head).not.toContain("bai_");
  expect(head).not.toContain(BYO_KEY);
  for (const name of ["x-api-key", "api-key", "x-goog-api-key"]) expect(seen.header(name)).toEqual([]);
}

export const keys: Section = (check) => {
  for (const { token, tenant_id, vpc_id, key_id, kid } of vectors.valid) {
    const id = `${tenant_id}-${vpc_id}-${key_id ?? "v1"}`;
    check(
      `keys/valid-${id}`,
      `admits the key of tenant ${tenant_id} with exact ids in its row`,
      async (lab) => {
        const { response } = await relayed(lab, { target: TARGET, key: token });
        const row = await rowOf(lab.base, response);
        expect(row).toMatchObject({ tenant_id, vpc_id, kid });
        expect(row.key_id ?? null).toBe(key_id);
        const line = lab.base.rawRows().find((raw) => raw.includes(row.request_id));
        expect(line).toContain(`"tenant_id":${tenant_id},`);
      },
    );
  }

  for (const { why, token } of vectors.invalid.filter(
    ({ token }) => token.startsWith("bai_") && HEADER_SAFE.test(token),
  )) {
    check(`keys/invalid:${why}`, `refuses a key with: ${why}`, async (lab) => {
      await refused(lab, { target: TARGET, key: token }, INVALID);
      await refused(lab, { target: TARGET, key: null, headers: [["x-api-key", token]] }, INVALID);
    });
  }

  check("keys/huge", "refuses a 64 KiB token without a fault and without forwarding it", async (lab) => {
    const connection = await openRaw(lab.base.url);
    connection.send(
      `GET ${TARGET} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer bai_v1.1.${"A".repeat(65_536)}.x\r\n\r\n`,
    );
    const { status } = await connection.readHead();
    expect([400, 401, 413, 431]).toContain(status);
    expect(lab.standIn.requests).toEqual([]);
    connection.destroy();
  });

  const places: Readonly<Record<string, Ask>> = {
    bearer: { target: TARGET, headers: [["authorization", `Bearer ${KEY}`]] },
    "bearer in any case": { target: TARGET, headers: [["Authorization", `bEARER ${KEY}`]] },
    "bare authorization": { target: TARGET, headers: [["authorization", KEY]] },
    "x-api-key": { target: TARGET, headers: [["X-Api-Key", KEY]] },
    "api-key": { target: TARGET, headers: [["api-key", KEY]] },
    "x-goog-api-key": { target: TARGET, headers: [["x-goog-api-key", KEY]] },
    "query key": { target: `${TARGET}?key=${KEY}` },
    "x-api-key beside an empty bearer": {
      target: TARGET,
      headers: [
        ["authorization", "Bearer "],
        ["x-api-key", KEY],
      ],
    },
    "x-api-key beside an empty authorization": {
      target: TARGET,
      headers: [
        ["authorization", ""],
        ["x-api-key", KEY],
      ],
    },
    "bearer beside an empty query key": {
      target: `${TARGET}?key=`,
      headers: [["authorization", `Bearer ${KEY}`]],
    },
    "x-api-key beside a BYO bearer": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${BYO_KEY}`],
        ["x-api-key", KEY],
      ],
    },
    "query key beside a BYO bearer": {
      target: `${TARGET}?key=${KEY}`,
      headers: [["authorization", `Bearer ${BYO_KEY}`]],
    },
    "the same key in two places": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${KEY}`],
        ["x-api-key", KEY],
      ],
    },
    "second query key": { target: `${TARGET}?key=${BYO_KEY}&key=${KEY}` },
  };
  for (const [place, request] of Object.entries(places)) {
    check(
      `keys/place:${place}`,
      `takes a managed key from: ${place}, and sends the pool key alone`,
      async (lab) => {
        const { seen, response } = await relayed(lab, { ...request, key: null });
        expectPoolKeyOnly(seen);
        expect(seen.target).toBe("/v1/models");
        expect(await rowOf(lab.base, response)).toMatchObject({ tenant_id: "42", path: "/v1/models" });
      },
    );
  }

  check("keys/query-others", "keeps the other query parameters as they are", async (lab) => {
    const { seen } = await relayed(lab, { target: `${TARGET}?a=%20+1&key=${KEY}&&keys=2&b`, key: null });
    expect(seen.target).toBe("/v1/models?a=%20+1&&keys=2&b");
  });

  for (const target of [
    `${TARGET}?%6bey=${KEY}`,
    `${TARGET}?key=${KEY.replace("bai_", "bai%5F")}`,
    `${TARGET}?key=%62${KEY.slice(1)}`,
  ]) {
    check(
      `keys/query-escaped:${target.slice(0, 32)}`,
      "does not forward a virtual key that is spelled with escapes",
      async (lab) => {
        const response = await ask(lab.base, { target, key: null });
        expect([200, 401]).toContain(response.status);
        for (const seen of lab.standIn.requests) expectPoolKeyOnly(seen);
      },
    );
  }

  const refusals: Readonly<Record<string, Ask>> = {
    "two authorization headers": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${KEY}`],
        ["authorization", `Bearer ${KEY}`],
      ],
    },
    "a managed and a BYO authorization": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${BYO_KEY}`],
        ["authorization", `Bearer ${KEY}`],
      ],
    },
    "two BYO authorizations": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${BYO_KEY}`],
        ["authorization", "Bearer other"],
      ],
    },
    "a comma in authorization": {
      target: TARGET,
      headers: [["authorization", `Bearer ${KEY}, Bearer ${KEY}`]],
    },
    "a comma in a BYO authorization": { target: TARGET, headers: [["authorization", `Bearer ${BYO_KEY},x`]] },
    "two different managed keys": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${KEY}`],
        ["x-api-key", OTHER_KEY],
      ],
    },
    "two different managed keys, one in the query": {
      target: `${TARGET}?key=${OTHER_KEY}`,
      headers: [["api-key", KEY]],
    },
    "two different managed query keys": { target: `${TARGET}?key=${OTHER_KEY}&key=${KEY}` },
    "a bad managed key beside a good BYO one": {
      target: TARGET,
      headers: [
        ["authorization", `Bearer ${BYO_KEY}`],
        ["x-api-key", "bai_v1"],
      ],
    },
    "the prefix alone": { target: TARGET, headers: [["authorization", "bai_"]] },
  };
  for (const [why, request] of Object.entries(refusals)) {
    check(`keys/refused:${why}`, `refuses ${why}`, (lab) => refused(lab, { ...request, key: null }, INVALID));
  }

  for (const headers of [
    [],
    [["authorization", ""]],
    [["authorization", "Bearer"]],
    [["x-api-key", ""]],
  ] as const) {
    check(`keys/missing:${headers.flat().join(" ")}`, "takes empty for absent", (lab) =>
      refused(lab, { target: `${TARGET}?key=`, key: null, headers }, { ...INVALID, code: "missing_key" }),
    );
  }
};
