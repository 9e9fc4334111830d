// In node: node host.mjs

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { program } from "./program.mjs";

const module = await WebAssembly.compile(await readFile(new URL("pkg/c_on_a_page_bg.wasm", import.meta.url)));

function newWorker() {
  const worker = new Worker(new URL("worker.mjs", import.meta.url));
  return (message) =>
    new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.postMessage(message);
    });
}

await program(module, newWorker, (what, text) => console.log(`${what}: ${text}`));
process.exit(0); // The workers would wait for more.
