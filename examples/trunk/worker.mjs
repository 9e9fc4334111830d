// A thread: an instance of the program on the memory of all.

import init, { work } from "./frame-loop.js";

onmessage = async ({ data: { thread, number } }) => {
  await init(thread);
  work(number); // for ever
};
