// Counts primes in several threads of node: node host.mjs [THREADS]

import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { found, initSync, thread } from "./pkg/packed_primes.js";

const LIMIT = 2_000_000;
const threads = Number(process.argv[2] ?? 4);

initSync({ module: readFileSync(new URL("pkg/packed_primes_bg.wasm", import.meta.url)) });
const [module, memory] = thread();

// Starts a worker; in the end it says how many primes it has found.
function counted() {
  const worker = new Worker(new URL("worker.mjs", import.meta.url));
  worker.postMessage({ thread: { module, memory }, limit: LIMIT });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (mine) => resolve(mine));
  });
}

const each = await Promise.all(Array.from({ length: threads }, counted));
const sum = each.reduce((sum, mine) => sum + mine, 0);
console.log(`${threads} threads found ${found()} primes below ${LIMIT}; their own add up to ${sum}`);
