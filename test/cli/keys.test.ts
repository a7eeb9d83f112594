/** keygen, mint and inspect: from nothing to a key that verifies, and the vectors in between. */
import { describe, expect, it } from "vitest";
import { readKeyVectors } from "../support/fixtures.ts";
import { type CommandOptions, type Ended, runCli, temporaryFile } from "./cli.ts";

const vectors = readKeyVectors();
const VECTOR_CONFIG = `[signing_keys]\n${Object.entries(vectors.signing_keys)
  .map(([kid, key]) => `${kid} = "${key}"\n`)
  .join("")}`;

const seedOf = (kid: number): string =>
  Buffer.from(vectors.seeds_hex[String(kid)] ?? "", "hex").toString("base64");

describe("keygen, mint, inspect", () => {
  it("round-trips: a made key signs a token that its public half verifies", async () => {
    const made = await runCli(["keygen", "--json", "--kid", "3"]);
    const pair: Record<"kid" | "public_key" | "secret_key", unknown> = JSON.parse(made.stdout);
    expect(Object.keys(pair)).toEqual(["kid", "public_key", "secret_key"]);
    expect(pair.kid).toBe(3);
    const claims = [
      "--tenant",
      "18446744073709551615",
      "--vpc",
      "9007199254740993",
      "--key-id",
      "7",
      "--kid",
      "3",
    ];
    const byFile = await runCli([
      "mint",
      ...claims,
      "--secret-key-file",
      temporaryFile("key.json", made.stdout),
    ]);
    const byVariable = await runCli(["mint", ...claims], {
      env: { AI_MINT_SECRET_KEY: String(pair.secret_key) },
    });
    expect(byFile).toEqual({ code: 0, stdout: expect.stringMatching(/^bai_v2\.3\.\S+\n$/), stderr: "" });
    expect(byVariable.stdout).toBe(byFile.stdout);
    const inspected = await runCli(["inspect", byFile.stdout.trim(), "--json"], {
      env: { AI_SIGNING_KEY_3: String(pair.public_key) },
    });
    expect(inspected.code).toBe(0);
    expect(JSON.parse(inspected.stdout)).toEqual({
      version: 2,
      kid: 3,
      tenant_id: "18446744073709551615",
      vpc_id: "9007199254740993",
      key_id: "7",
      verified: true,
    });
  });

  it("makes another key each time", async () => {
    const [a, b] = await Promise.all([runCli(["keygen", "--json"]), runCli(["keygen", "--json"])]);
    expect(a.stdout).not.toBe(b.stdout);
  });

  it("shows people where the two halves go", async () => {
    const { stdout } = await runCli(["keygen"]);
    expect(stdout).toMatch(/\[signing_keys\]\n {2}1 = "[\w-]{43}"/);
  });

  // One of each version: the unit tests go through all of them.
  it.each(
    [
      vectors.valid.find(({ key_id }) => key_id === null),
      vectors.valid.find(({ key_id }) => key_id !== null),
    ].filter((vector) => vector !== undefined),
  )("mints and reads the vector of tenant $tenant_id, kid $kid", async (vector) => {
    const { token, tenant_id, vpc_id, key_id, kid } = vector;
    const keyId = key_id === null ? [] : ["--key-id", key_id];
    const claims = ["--tenant", tenant_id, "--vpc", vpc_id, ...keyId, "--kid", String(kid)];
    const minted = await runCli(["mint", ...claims], { env: { AI_MINT_SECRET_KEY: seedOf(kid) } });
    expect(minted.stdout).toBe(`${token}\n`);
    const config = temporaryFile("config.toml", VECTOR_CONFIG);
    const { code, stdout } = await runCli(["inspect", token, "--json", "--config", config]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tenant_id, vpc_id, key_id, kid, verified: true });
  });
});

const inspect = (token: string, options: CommandOptions, ...more: string[]): Promise<Ended> =>
  runCli(["inspect", token, ...more], options);

describe("inspect", () => {
  const [vector] = vectors.valid;
  const token = vector?.token ?? "";
  const forged = `${token.slice(0, -20)}${token.at(-20) === "A" ? "B" : "A"}${token.slice(-19)}`;
  const env = { AI_SIGNING_KEYS: JSON.stringify(vectors.signing_keys) };

  it("decodes without a signing key at hand, and says that it did not check", async () => {
    const { code, stdout } = await inspect(token, {});
    expect(code).toBe(0);
    expect(stdout).toContain("tenant_id  42");
    expect(stdout).toContain("not checked");
  });

  it("refuses a forged token with exit code 1", async () => {
    const { code, stdout } = await inspect(forged, { env }, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verified: false });
  });

  it("refuses a token whose kid is not trusted, naming the kid", async () => {
    const { code, stdout } = await inspect(token, {
      env: { AI_SIGNING_KEY_7: vectors.signing_keys["7"] ?? "" },
    });
    expect(code).toBe(1);
    expect(stdout).toContain("REFUSED: signing_keys has no kid 1");
  });

  it.each(["sk-not-a-virtual-key", token.slice(0, 40), `${token}=`, token.replace("v1.1", "v1.01")])(
    "says what is wrong with what is no token, without repeating it: %s",
    async (text) => {
      const { code, stdout, stderr } = await inspect(text, { env });
      expect(code).toBe(1);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^error: <token>: no .*virtual key.*\n$/);
      expect(stderr).not.toContain(text);
    },
  );
});

describe("mint without a usable secret key", () => {
  const claims = ["mint", "--tenant", "1", "--vpc", "1", "--kid", "1"];
  const secret = "bm90IDMyIGJ5dGVzIGxvbmc";

  it.each([
    { given: {}, more: [], says: "set AI_MINT_SECRET_KEY or give --secret-key-file" },
    { given: { AI_MINT_SECRET_KEY: secret }, more: [], says: "AI_MINT_SECRET_KEY: 17 bytes, not 32" },
    { given: { AI_MINT_SECRET_KEY: "not base64!" }, more: [], says: "AI_MINT_SECRET_KEY: no base64" },
    {
      given: {},
      more: ["--secret-key-file", "nowhere"],
      says: '--secret-key-file "nowhere": cannot be read: ENOENT',
    },
  ])("says in one line what to do: $says", async ({ given, more, says }) => {
    const { code, stdout, stderr } = await runCli([...claims, ...more], { env: given });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain(secret);
  });

  it("refuses a key file that belongs to another kid", async () => {
    const file = temporaryFile("key.json", JSON.stringify({ kid: 2, secret_key: seedOf(1) }));
    const { code, stderr } = await runCli([...claims, "--secret-key-file", file]);
    expect(code).toBe(1);
    expect(stderr).toContain("holds the key of kid 2, but --kid is 1");
  });
});
