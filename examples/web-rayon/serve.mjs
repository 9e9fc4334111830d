// Builds the page and serves it: node serve.mjs; on port 8000, or the one in PORT.
//
//     --no-build       serves what is there
//     --no-headers     without the two headers, to see what the page says then
//
// A browser gives shared memory only to a page which comes with these headers.

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const words = process.argv.slice(2);
const unknown = words.find((word) => !["--no-build", "--no-headers"].includes(word));
if (unknown) stop(`serve.mjs knows --no-build and --no-headers, and not ${unknown}`);
const folder = new URL("./", import.meta.url);

if (!words.includes("--no-build")) {
  run("cargo", ["build", "--release"]);
  const target = process.env.CARGO_TARGET_DIR ?? "target";
  run("wasm-bindgen", ["--target", "web", "--out-dir", "pkg", `${target}/wasm32-unknown-unknown/release/web_rayon.wasm`]);
}

function run(program, words) {
  const { error, status } = spawnSync(program, words, { cwd: fileURLToPath(folder), stdio: "inherit" });
  if (error?.code === "ENOENT") stop(`${program} is not on PATH; README.md says how it gets there.`);
  if (error) stop(`${program}: ${error.message}`);
  if (status !== 0) stop(`${program} failed.`);
}

function stop(why) {
  console.error(why);
  process.exit(1);
}

const server = createServer(async ({ url }, response) => {
  try {
    const { pathname } = new URL(url, "http://localhost");
    // Nothing but the page's own files: those beside it, and what wasm-bindgen wrote.
    if (!/^\/([\w-]+\.(html|mjs)|pkg\/[\w./-]+)?$/.test(pathname)) throw new Error("no such file");
    const file = new URL(pathname === "/" ? "index.html" : `.${pathname}`, folder);
    const body = await readFile(file);
    const type = TYPES[extname(file.pathname)] ?? "application/octet-stream";
    response.writeHead(200, {
      "Content-Type": type,
      "Cache-Control": "no-store",
      ...(words.includes("--no-headers") ? {} : ISOLATED),
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
server.on("error", (error) => stop(`${error.message}; PORT=8001 node serve.mjs takes another port`));
server.listen(process.env.PORT ?? 8000, "127.0.0.1", () => {
  console.log(`http://localhost:${server.address().port}/`);
});
