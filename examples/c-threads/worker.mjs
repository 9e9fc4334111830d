// A further thread, in node: works until there is nothing left, says what it found, and ends.

import { parentPort, workerData } from "node:worker_threads";
import { furtherInstance } from "./threads.mjs";

const { module, imports, block } = workerData;
const primes = await furtherInstance(module, imports, block);
parentPort.postMessage("ready");
const found = primes.work();
parentPort.postMessage({ found, mine: primes.found_by_this_thread() });
