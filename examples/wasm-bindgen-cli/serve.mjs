// Serves this folder: node serve.mjs; on port 8000, or the one in PORT.
//
// A browser gives shared memory only to a page which comes with these two headers, and starts a worker of such a page only from a
// script that comes with the second.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const server = createServer(async ({ url }, response) => {
  try {
    const { pathname } = new URL(url, "http://localhost"); // without any `..`
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const body = await readFile(new URL(`.${path}`, import.meta.url));
    response.writeHead(200, { ...ISOLATED, "Content-Type": TYPES[extname(path)], "Cache-Control": "no-store" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(process.env.PORT ?? 8000, "127.0.0.1", () => {
  console.log(`http://localhost:${server.address().port}/`);
});
