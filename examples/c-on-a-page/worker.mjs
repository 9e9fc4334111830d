// A worker of a page or of node: throws its darts, and says where its generator came to.

import { initSync, seed, state, throw_darts } from "./pkg/c_on_a_page.js";

const port = globalThis.self ?? (await import("node:worker_threads")).parentPort;
const listen = port.on ? (hear) => port.on("message", hear) : (hear) => (port.onmessage = ({ data }) => hear(data));

listen(({ module, memory, number, darts }) => {
  initSync({ module, memory });
  seed(number + 1);
  throw_darts(darts);
  port.postMessage(state());
});
