// Four workers throw darts; this thread throws none. The same in node and on a page.

import { initSync, pi, shared_memory, state, thrown } from "./pkg/c_on_a_page.js";

const WORKERS = 4;
const DARTS = 1_000_000;

// `newWorker` gives a function that sends a worker a message, and its answer.
export async function program(module, newWorker, say) {
  initSync({ module });
  const memory = shared_memory();
  const workers = Array.from({ length: WORKERS }, newWorker);
  const states = await Promise.all(workers.map((ask, number) => ask({ module, memory, number, darts: DARTS })));
  say("threads", `${new Set(states).size} generators in ${WORKERS} workers, that of this thread is ${state()}`);
  say("darts", `${thrown()} thrown`);
  say("pi", pi().toFixed(2));
}
