/** The package's own version, from wherever it is installed. */
import { createRequire } from "node:module";

/** Through the package's own exports, since this file is one folder deeper once it is built. */
export function packageVersion(): string {
  const manifest: { readonly version: string } = createRequire(import.meta.url)("beyond-ai/package.json");
  return manifest.version;
}
