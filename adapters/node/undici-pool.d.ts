/** undici has no types for its parts. */
declare module "undici/lib/dispatcher/pool.js" {
  export { Pool as default } from "undici";
}
