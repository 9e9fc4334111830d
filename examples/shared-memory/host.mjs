// In node: node host.mjs [MODULE.wasm]

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { program } from "./program.mjs";

const path = process.argv[2] ?? new URL("target/wasm32-unknown-unknown/release/shared_memory.wasm", import.meta.url);
const module = await WebAssembly.compile(await readFile(path));

function newWorker() {
  const worker = new Worker(new URL("worker.mjs", import.meta.url));
  worker.once("error", (error) => {
    throw error;
  });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      worker.once("message", ({ value, error }) => (error ? reject(new Error(error)) : resolve(value)));
      worker.postMessage(message);
    });
  return { ask };
}

await program(module, newWorker, (what, text) => console.log(`${`${what}:`.padEnd(11)}${text}`));
process.exit(0); // The workers would wait for more.
