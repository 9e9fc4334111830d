// Runs a program of wasm32-wasip1-threads: node host.mjs MODULE.wasm [WORD…]
//
// Every thread of the program is a worker, the first one too. This thread waits for none of them: it starts them, and ends all of
// them when the program ends, or when one fails.

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";

const [path, ...words] = process.argv.slice(2);
const module = await WebAssembly.compile(await readFile(path));
// The module declares 17 to 16384 pages of 64 KiB; a host may begin with more, and end with less.
const memory = new WebAssembly.Memory({ initial: 256, maximum: 16384, shared: true });
const last = new Int32Array(new SharedArrayBuffer(4)); // the number of the last thread

function start(thread) {
  const workerData = { module, memory, last, args: [path, ...words], ...thread };
  const worker = new Worker(new URL("thread.mjs", import.meta.url), { workerData, execArgv: ["--no-warnings"] });
  worker.on("message", ({ spawn, exit }) => (spawn ? start(spawn) : process.exit(exit)));
  worker.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
}
start({});
