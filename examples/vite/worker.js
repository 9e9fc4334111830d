// A thread: an instance of the module on the memory of all.

import init, { count_primes } from "./pkg/primes.js";

onmessage = async ({ data: { thread, limit } }) => {
  await init(thread);
  postMessage(count_primes(limit));
};
