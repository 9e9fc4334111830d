// One thread of the program: an instance of the module, on the memory of all.

import { WASI } from "node:wasi";
import { parentPort, workerData } from "node:worker_threads";

const { module, memory, last, args, id, argument } = workerData;
const wasi = new WASI({ version: "preview1", args, env: process.env });

// Ends the program, and so this thread: it must not run on until that is done.
function exit(code) {
  parentPort.postMessage({ exit: code });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

// The number of the new thread; less than 0 would say that there is none.
function spawn(argument) {
  const id = Atomics.add(last, 0, 1) + 1;
  parentPort.postMessage({ spawn: { id, argument } });
  return id;
}

const { exports } = await WebAssembly.instantiate(module, {
  env: { memory },
  wasi: { "thread-spawn": spawn },
  wasi_snapshot_preview1: { ...wasi.wasiImport, proc_exit: exit },
});
if (id === undefined) {
  wasi.start({ exports });
  exit(0);
} else {
  // WASI itself knows no threads: it is only told where the memory is.
  wasi.initialize({ exports: { memory } });
  exports.wasi_thread_start(id, argument);
}
