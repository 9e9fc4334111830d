// Serves the page: node serve.mjs [MODULE.wasm]; on port 8000, or the one in PORT.
//
// A browser gives shared memory only to a page which comes with these two headers.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const here = (name) => new URL(name, import.meta.url);
const FILES = {
  "/": [here("index.html"), "text/html"],
  "/page.mjs": [here("page.mjs"), "text/javascript"],
  "/program.mjs": [here("program.mjs"), "text/javascript"],
  "/threads.mjs": [here("threads.mjs"), "text/javascript"],
  "/worker.mjs": [here("worker.mjs"), "text/javascript"],
  "/shared_memory.wasm": [
    process.argv[2] ?? here("target/wasm32-unknown-unknown/release/shared_memory.wasm"),
    "application/wasm",
  ],
};

const server = createServer(async ({ url }, response) => {
  try {
    const [path, type] = FILES[url];
    const body = await readFile(path);
    response.writeHead(200, { ...ISOLATED, "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(process.env.PORT ?? 8000, "127.0.0.1", () => {
  console.log(`http://localhost:${server.address().port}/`);
});
