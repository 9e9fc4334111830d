// Runs a program for WASI with threads: MODULE MINIMUM MAXIMUM [WORD…].
//
// Each thread of the program is a worker, the first one too, and this thread waits for none of them: it starts them, and ends
// with the first that ends the program. Each has its own table of files: one that a thread opens is not open in another.

import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";

const [file, minimum, maximum, ...words] = process.argv.slice(1);
if (Number.parseInt(process.versions.node) < 20) {
  console.error(`error: node ${process.versions.node} has no WASI that is ready to use\n  fix: node 20 or later`);
  process.exit(1);
}
const module = new WebAssembly.Module(readFileSync(file));
const memory = new WebAssembly.Memory({ initial: Number(minimum), maximum: Number(maximum), shared: true });
const last = new Int32Array(new SharedArrayBuffer(4));

function start(thread) {
  const workerData = { module, memory, last, args: [file, ...words], ...thread };
  const worker = new Worker(`(${run})()`, { eval: true, workerData, execArgv: ["--no-warnings"] });
  worker.on("message", ({ spawn, exit }) => (spawn ? start(spawn) : process.exit(exit)));
  worker.on("error", (error) => {
    console.error(error);
    // As a program that a signal stopped.
    process.exit(134);
  });
}

function run() {
  const { WASI } = require("node:wasi");
  const { parentPort, workerData } = require("node:worker_threads");
  const { module, memory, last, args, id, argument } = workerData;
  const wasi = new WASI({ version: "preview1", args, env: process.env, preopens: { ".": "." } });
  const exit = (code) => {
    parentPort.postMessage({ exit: code });
    // The program has ended, and so has this thread.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  const spawn = (argument) => {
    const id = Atomics.add(last, 0, 1) + 1;
    parentPort.postMessage({ spawn: { id, argument } });
    return id;
  };
  const { exports } = new WebAssembly.Instance(module, {
    env: { memory },
    wasi: { "thread-spawn": spawn },
    wasi_snapshot_preview1: { ...wasi.wasiImport, proc_exit: exit },
  });
  // WASI is only told where the memory is: it calls nothing.
  wasi.initialize({ exports: { memory } });
  if (id !== undefined) return exports.wasi_thread_start(id, argument);
  exports._start();
  exit(0);
}

start({});
