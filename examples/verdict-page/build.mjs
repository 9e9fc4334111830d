// Makes verdict.html of the parts in `page` and of the module: one file, with nothing to load.
//
//     node build.mjs [MODULE]

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url);
const part = (name) => readFileSync(here(`page/${name}`), "utf8");
const module = process.argv[2] ?? here("target/wasm32-unknown-unknown/release/verdict_page.wasm");

const script = part("page.js");
const hash = createHash("sha256").update(script).digest("base64");
const parts = {
  // Nothing but this one script runs, and nothing is fetched or sent, whatever a file would make of the page.
  policy: `default-src 'none'; script-src 'sha256-${hash}' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'`,
  style: part("style.css"),
  module: readFileSync(module).toString("base64"),
  worker: part("worker.js"),
  script,
};
const page = part("index.html").replaceAll(/{{(\w+)}}/g, (_, name) => parts[name]);
writeFileSync(here("verdict.html"), page);
console.log(`verdict.html: ${page.length} bytes, open it in a browser`);
