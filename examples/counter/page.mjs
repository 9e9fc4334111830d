// Two workers of a page and the page itself count in one memory.

import { firstInstance, newMemory, newThread } from "./threads.mjs";

const show = (id, text) => (document.getElementById(id).textContent = text);

async function run() {
  if (!crossOriginIsolated) throw new Error("No shared memory in this page: it was served without COOP and COEP.");
  const module = await WebAssembly.compileStreaming(fetch("counter.wasm"));
  const memory = newMemory();
  const first = await firstInstance(module, memory);

  // Starts a worker, and gives what its own counter says in the end.
  const counted = (times) => {
    const thread = newThread(module, memory, first);
    const worker = new Worker("worker.mjs", { type: "module" });
    worker.postMessage({ thread, times });
    return new Promise((resolve, reject) => {
      worker.onerror = ({ message }) => reject(new Error(`A worker failed: ${message}`));
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data.mine);
      };
    });
  };

  const workers = [counted(1000), counted(2000)];
  first.count();
  const [one, two] = await Promise.all(workers);
  show("main", first.mine());
  show("one", one);
  show("two", two);
  show("total", first.total());
  show("status", "Done");
}

run().catch(({ message }) => show("status", message));
