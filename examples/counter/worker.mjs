// A worker of a page or of node: counts as often as it is told, and says what it sees.

import { furtherInstance } from "./threads.mjs";

const port = globalThis.self ?? (await import("node:worker_threads")).parentPort;
const listen = port.on ? (hear) => port.on("message", hear) : (hear) => (port.onmessage = ({ data }) => hear(data));

listen(async ({ thread, times }) => {
  const { count, mine } = await furtherInstance(thread);
  for (let i = 0; i < times; i++) count();
  port.postMessage({ mine: mine() });
});
