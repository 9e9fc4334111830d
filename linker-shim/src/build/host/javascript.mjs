// Runs a program by its `main`: MODULE MINIMUM MAXIMUM WIDTH. It imports a shared memory and nothing else.

import { readFileSync, writeSync } from "node:fs";

const [file, minimum, maximum, width] = process.argv.slice(1);
const module = new WebAssembly.Module(readFileSync(file));
const wide = width === "64";
const pages = (text) => (wide ? BigInt(text) : Number(text));
const limits = { initial: pages(minimum), maximum: pages(maximum), shared: true };
const memory = new WebAssembly.Memory(wide ? { ...limits, address: "i64" } : limits);

const imports = {};
const strangers = [];
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  if (kind === "memory") (imports[from] ??= {})[name] = memory;
  else strangers.push(`${from}.${name}`);
}
if (strangers.length > 0) {
  writeSync(2, `error: ${file} imports ${strangers.join(", ")}, of which this host knows nothing\n`);
  writeSync(2, "  fix: set a runner of your own under [target.wasm32-unknown-unknown] in .cargo/config.toml\n");
  process.exit(1);
}
const { main } = new WebAssembly.Instance(module, imports).exports;
if (!main) {
  writeSync(2, `error: ${file} is no program: it exports no main\n`);
  process.exit(1);
}
process.exit(main(0, wide ? 0n : 0));
