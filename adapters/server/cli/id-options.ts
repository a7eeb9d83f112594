/** Options that hold ids, refused as usage errors when they are none. */
import { InvalidArgumentError, Option } from "commander";
import { isU64 } from "../../../src/keys/u64.ts";
import { parseKid } from "../../../src/keys/virtual-key.ts";

export const kidOption = (): Option =>
  new Option("--kid <kid>", "id of the signing key (u32)").argParser((text) => {
    const kid = parseKid(text);
    if (kid === undefined) throw new InvalidArgumentError("It must be a whole number from 0 to 4294967295.");
    return kid;
  });

/** A u64 is kept as its decimal text. */
export const u64Option = (flags: string, description: string): Option =>
  new Option(flags, `${description} (u64)`).argParser((text) => {
    if (!isU64(text)) {
      throw new InvalidArgumentError(
        "It must be a whole number from 0 to 18446744073709551615, in plain decimal.",
      );
    }
    return text;
  });
