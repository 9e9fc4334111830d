// Counts primes in this thread and in workers: node host.mjs [MODULE.wasm [WORKERS]]

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { firstInstance, memoryFor } from "./threads.mjs";

const path = process.argv[2] ?? new URL("primes.wasm", import.meta.url);
const workers = Number(process.argv[3] ?? 3);

const bytes = await readFile(path);
const { memory, imports } = memoryFor(bytes);
const module = await WebAssembly.compile(bytes);
const first = await firstInstance(module, imports);

// Starts a worker, and gives what it found when it has ended.
function start() {
  const block = first.thread_new();
  if (block === 0) throw new Error("no memory left for another thread");
  const worker = new Worker(new URL("worker.mjs", import.meta.url), { workerData: { module, imports, block } });
  let answer;
  worker.once("message", (message) => (answer = message));
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => {
      // Now, and not before: nobody stands on that stack any more.
      first.thread_free(block);
      resolve(answer);
    });
  });
}

async function round() {
  first.begin_again();
  const others = Array.from({ length: workers }, start);
  const found = [first.work(), ...(await Promise.all(others)).map(({ found, mine }) => {
    if (found !== mine) throw new Error(`a new thread found ${found}, and its own count says ${mine}`);
    return found;
  })];
  const sum = found.reduce((a, b) => a + b);
  if (sum !== first.count()) throw new Error(`the threads found ${sum}, and together ${first.count()}`);
  return { mine: found[0], text: `${first.count()} primes below a million, with the sum ${first.sum()}` };
}

const one = await round();
console.log(`main and ${workers} workers found ${one.text}`);
const before = memory.buffer.byteLength;
const two = await round();
console.log(`and again: ${two.text}`);
const after = memory.buffer.byteLength;
console.log(`the second round took ${(after - before) / 65536} pages more: its threads have the stacks of the first`);
if (first.found_by_this_thread() !== one.mine + two.mine) throw new Error("the first thread's own count is wrong");
