// What the threads do, the same in node and on a page. This thread only tells the others what to do: it never waits.

import { newBlock, newInstance, newMemory, newThread } from "./threads.mjs";

const WORKERS = 4;
const TIMES = 100_000;
const NUMBERS = 1_000_000;

export async function program(module, newWorker, say) {
  const memory = newMemory();
  const main = await newInstance({ module, memory });
  const threads = [];
  for (let i = 0; i < WORKERS; i++) threads.push(await newThread(newWorker(), module, memory));
  const all = (name, args = () => []) => Promise.all(threads.map((call, i) => call(name, ...args(i))));

  await all("count", () => [TIMES]);
  say("counter", `${WORKERS} workers counted to ${TIMES} each: ${main.counted()}`);

  await all("count_locked", () => [TIMES]);
  say("lock", `the same behind a lock: ${await threads[0]("counted_locked")}`);

  // The numbers are written here, once, and read by all: nothing is copied. `memory.buffer` comes after the block: one from before
  // the memory has grown ends where the memory ended then.
  const block = newBlock(memory, 4 * NUMBERS);
  const numbers = new Uint32Array(memory.buffer, block, NUMBERS);
  numbers.forEach((_, i) => (numbers[i] = i));
  const share = NUMBERS / WORKERS;
  await all("add", (i) => [block + 4 * share * i, share]);
  say("sum", `${NUMBERS} numbers by ${WORKERS} workers: ${main.sum()}`);

  const [one, two] = threads;
  say("not-equal", `the word is 0, not 5: ${await one("wait", 5, -1)}`);
  say("timed-out", `nobody wakes it within 1 ms: ${await one("wait", 0, 1)}`);
  const sleeping = one("wait", 0, 60_000);
  // It does so soon, and not before it sleeps.
  while (!(await two("wake_one")));
  say("woken", `another worker wakes it: ${await sleeping}`);

  say("main", await onMain(main, memory, two));
}

// On this thread, which is a page's main thread if this is a page.
async function onMain(main, memory, other) {
  const seen = [];
  try {
    seen.push(`wait gives ${main.wait(0, 1)}: it may sleep here`);
  } catch (error) {
    seen.push(`wait: ${error.message}`);
  }
  if (!Atomics.waitAsync) return seen.concat("there is no Atomics.waitAsync; a worker's message tells it").join("; ");
  const word = new Int32Array(memory.buffer, main.word(), 1);
  const { value } = Atomics.waitAsync(word, 0, 0);
  await other("set", 1);
  return seen.concat(`Atomics.waitAsync gives "${await value}" without waiting`).join("; ");
}
