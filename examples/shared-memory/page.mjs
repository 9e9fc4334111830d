// On a page.

import { program } from "./program.mjs";

const show = (id, text) => (document.getElementById(id).textContent = text);

function newWorker() {
  const worker = new Worker("worker.mjs", { type: "module" });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      worker.onerror = ({ message }) => reject(new Error(`A worker failed: ${message}`));
      worker.onmessage = ({ data: { value, error } }) => (error ? reject(new Error(error)) : resolve(value));
      worker.postMessage(message);
    });
  return { ask };
}

async function run() {
  if (!crossOriginIsolated) throw new Error("No shared memory in this page: it was served without COOP and COEP.");
  await program(await WebAssembly.compileStreaming(fetch("shared_memory.wasm")), newWorker, show);
  show("status", "Done");
}

run().catch(({ message }) => show("status", message));
