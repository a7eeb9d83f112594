/** The contract on Node through the portable relay, so that both transports of Node are held to it. */
import { startPortableOnNode } from "../support/runtimes.ts";
import { PORTABLE_NODE_GAPS } from "./gaps.ts";
import { defineConformance } from "./suite.ts";

defineConformance({ name: "Node, embedded", start: startPortableOnNode, gaps: PORTABLE_NODE_GAPS });
