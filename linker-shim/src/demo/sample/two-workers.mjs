// Runs the demo's two modules as a threaded program would: one main thread, two workers, tickets from one counter.
//
//     node two-workers.mjs BARE THREADED MINIMUM MAXIMUM
//
// Prints what it saw, one line each: the module's name, a tab, a sentence. Exit status 0: the fault showed in the
// bare module, and the threaded one is right.
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const TICKETS = 1000;
const WORKERS = [1, 2];

/** One worker: takes its tickets and hands them over, with its own count of them. */
function work({ module, memory, block }) {
  const { exports } = new WebAssembly.Instance(module, memory ? { env: { memory } } : {});
  // The functions of the sample use no stack, so the workers need none of their own. A real program's do.
  if (block !== undefined) exports.__wasm_init_tls(block);
  const tickets = new Uint32Array(TICKETS).map(() => exports.take_ticket());
  parentPort.postMessage({ tickets, mine: exports.my_tickets() });
}

/** Runs two workers at once, each with what `dataOf` gives it, and adds up what they say. */
async function together(dataOf) {
  const said = await Promise.all(
    WORKERS.map(
      (number) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: dataOf(number) });
          worker.once("message", resolve);
          worker.once("error", reject);
          worker.once("exit", (code) => reject(new Error(`a worker ended early, with status ${code}`)));
        }),
    ),
  );
  const tickets = said.flatMap(({ tickets }) => [...tickets]);
  return { taken: tickets.length, different: new Set(tickets).size, own: said.map(({ mine }) => mine) };
}

async function bare(module) {
  const { memory } = new WebAssembly.Instance(module).exports;
  const shared = memory.buffer instanceof SharedArrayBuffer;
  console.log(`bare\tmemory.buffer instanceof SharedArrayBuffer is ${shared}`);
  let refused;
  try {
    new MessageChannel().port1.postMessage(memory);
  } catch (error) {
    refused = error;
  }
  console.log(`bare\tpostMessage(memory) ${refused ? `to a worker throws ${refused.name}` : "passes"}`);
  // So each worker can only make an instance for itself, and with it a counter for itself.
  const { taken, different } = await together(() => ({ module }));
  console.log(`bare\ttwo counters: ${taken} tickets, only ${different} different ones`);
  return !shared && refused !== undefined && different < taken;
}

async function threaded(module, minimum, maximum) {
  // The sample needs little; the module may declare far more than this machine wants to reserve.
  const memory = new WebAssembly.Memory({ initial: minimum, maximum: Math.min(maximum, minimum + 16), shared: true });
  // The first instance writes the data. Those of the workers find it written.
  new WebAssembly.Instance(module, { env: { memory } });
  // A page for each worker's thread-local storage: `__tls_size` bytes of it are used.
  const page = memory.grow(WORKERS.length);
  const { taken, different, own } = await together((number) => ({ module, memory, block: (page + number - 1) * 65536 }));
  console.log(`threaded\tone counter: ${taken} tickets, ${different} different ones`);
  console.log(`threaded\teach thread's own count: ${own.join(", ")}`);
  return different === taken && own.every((count) => count === TICKETS);
}

if (isMainThread) {
  const [bareFile, threadedFile, minimum, maximum] = process.argv.slice(2);
  const load = (file) => new WebAssembly.Module(readFileSync(file));
  const shown = await bare(load(bareFile));
  const right = await threaded(load(threadedFile), Number(minimum), Number(maximum));
  // Not `process.exit`, which may lose lines that are still on their way out.
  process.exitCode = shown && right ? 0 : 1;
} else {
  work(workerData);
}
