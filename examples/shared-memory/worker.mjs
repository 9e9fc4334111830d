// A worker of a page or of node: makes an instance, then calls what it is told to call, and answers.

import { newInstance } from "./threads.mjs";

const port = globalThis.self ?? (await import("node:worker_threads")).parentPort;
const listen = port.on ? (hear) => port.on("message", hear) : (hear) => (port.onmessage = ({ data }) => hear(data));

let exports;
listen(async ({ thread, name, args }) => {
  try {
    if (thread) exports = await newInstance(thread);
    port.postMessage({ value: name && exports[name](...args) });
  } catch (error) {
    port.postMessage({ error: String(error) });
  }
});
