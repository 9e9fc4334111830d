// Serves the page: node serve.mjs; on port 8000, or the one in PORT.
//
// A browser gives shared memory only to a page which comes with these two headers.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const TYPES = { html: "text/html", js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };
const FILES = ["index.html", "page.mjs", "program.mjs", "worker.mjs", "pkg/c_on_a_page.js", "pkg/c_on_a_page_bg.wasm"];

const server = createServer(async ({ url }, response) => {
  const file = url === "/" ? "index.html" : url.slice(1);
  try {
    if (!FILES.includes(file)) throw new Error("not one of the page's");
    const body = await readFile(new URL(file, import.meta.url));
    const type = TYPES[file.split(".").pop()];
    response.writeHead(200, { ...ISOLATED, "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(process.env.PORT ?? 8000, "127.0.0.1", () => {
  console.log(`http://localhost:${server.address().port}/`);
});
