/** What is used of the modules that the Workers runtime provides. */
declare module "cloudflare:workers" {
  /** Keeps the isolate at work for the request that is being served. */
  export function waitUntil(work: Promise<unknown>): void;
}
