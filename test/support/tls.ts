/** A server that is `localhost`, and clients that take its word for it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("./tls/", import.meta.url);
const CERT_FILE = fileURLToPath(new URL("localhost.cert.pem", FOLDER));

/** Options of a server. */
export const LOCALHOST = {
  key: readFileSync(new URL("localhost.key.pem", FOLDER)),
  cert: readFileSync(CERT_FILE),
};

/** The environment of a process that trusts it. */
export const TRUSTING = { NODE_EXTRA_CA_CERTS: CERT_FILE };
