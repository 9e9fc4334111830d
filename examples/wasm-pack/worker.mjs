// A thread: an instance of the module on the memory of all.

import { parentPort } from "node:worker_threads";
import { count_primes, initSync } from "./pkg/packed_primes.js";

parentPort.once("message", ({ thread, limit }) => {
  initSync(thread);
  parentPort.postMessage(count_primes(limit));
});
