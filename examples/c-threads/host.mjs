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

// Starts a worker: `ready` when it is about to work, `ended` with what it said last.
function start() {
  const block = first.thread_new();
  if (block === 0) throw new Error("no memory left for another thread");
  const worker = new Worker(new URL("worker.mjs", import.meta.url), { workerData: { module, imports, block } });
  const failed = new Promise((_, reject) => worker.once("error", reject));
  const ready = new Promise((resolve) => worker.once("message", resolve));
  const exit = new Promise((resolve) => {
    let last;
    worker.on("message", (message) => (last = message));
    worker.once("exit", () => {
      // Now, and not before: nobody stands on that stack any more.
      first.thread_free(block);
      resolve(last);
    });
  });
  return { ready: Promise.race([ready, failed]), ended: Promise.race([exit, failed]) };
}

async function round() {
  first.begin_again();
  const threads = Array.from({ length: workers }, start);
  await Promise.all(threads.map(({ ready }) => ready));
  const own = first.work();
  let all = own;
  for (const { found, mine } of await Promise.all(threads.map(({ ended }) => ended))) {
    if (found !== mine) throw new Error(`a new thread found ${found}, and its own count says ${mine}`);
    all += found;
  }
  if (all !== first.count()) throw new Error(`the threads found ${all}, and together ${first.count()}`);
  return { own, text: `${first.count()} primes below two million, with the sum ${first.sum()}` };
}

const one = await round();
console.log(`main and ${workers} workers found ${one.text}`);
const before = memory.buffer.byteLength;
const two = await round();
console.log(`and again: ${two.text}`);
const after = memory.buffer.byteLength;
console.log(`the second round took ${(after - before) / 65536} pages more: its threads have the stacks of the first`);
if (first.found_by_this_thread() !== one.own + two.own) throw new Error("the first thread's own count is wrong");
