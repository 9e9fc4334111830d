import init, { found, shared_memory, this_module } from "./pkg/primes.js";

const LIMIT = 2_000_000;
const say = (text) => (document.getElementById("status").textContent = text);

// Starts a worker; in the end it says how many primes it has found.
function counted(thread) {
  const worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
  worker.postMessage({ thread, limit: LIMIT });
  return new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(`A worker failed: ${message}`));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
  });
}

async function run() {
  if (!crossOriginIsolated) throw new Error("No threads in this page: it was served without COOP and COEP.");
  await init();
  const thread = { module_or_path: this_module(), memory: shared_memory() };
  const workers = Array.from({ length: Math.max(2, navigator.hardwareConcurrency) }, () => counted(thread));
  const each = await Promise.all(workers);
  say(`${each.length} workers found ${found()} primes below ${LIMIT}: ${each.join(" + ")}`);
}

run().catch(({ message }) => say(message));
