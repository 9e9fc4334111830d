// Two workers of node and this thread count in one memory: node host.mjs [MODULE.wasm]

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { firstInstance, newMemory, newThread } from "./threads.mjs";

const path = process.argv[2] ?? new URL("target/wasm32-unknown-unknown/release/counter.wasm", import.meta.url);
const module = await WebAssembly.compile(await readFile(path));
const memory = newMemory();
const first = await firstInstance(module, memory);

// Starts a worker, and gives what its own counter says in the end.
function counted(times) {
  const thread = newThread(module, memory, first);
  const worker = new Worker(new URL("worker.mjs", import.meta.url));
  worker.postMessage({ thread, times });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", ({ mine }) => worker.terminate().then(() => resolve(mine)));
  });
}

const workers = [counted(1000), counted(2000)];
first.count();
const [one, two] = await Promise.all(workers);
console.log(`main counted ${first.mine()}, the workers ${one} and ${two}: ${first.total()} in all`);
