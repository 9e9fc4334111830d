// Threads of a WebAssembly module: one memory, and an instance of the module in each thread. For node and for a page.

/**
 * A memory for the module in `bytes`, and its place among the imports. The limits stand in the module: the minimum is what its
 * data and its first stack need, the maximum what wasm-threads-linker declared. A host may begin with more, and end with less.
 */
export function memoryFor(bytes) {
  const found = importedMemory(bytes);
  if (!found?.shared) throw new Error("not threaded: the module imports no shared memory");
  const { module, name, initial, maximum } = found;
  const memory = new WebAssembly.Memory({ initial, maximum, shared: true });
  return { memory, imports: { [module]: { [name]: memory } } };
}

/** The first thread. Its instance fills the memory with the module's data; its stack and its thread-locals are there. */
export async function firstInstance(module, imports) {
  const { exports } = await WebAssembly.instantiate(module, imports);
  // wasm-ld of LLVM 14 leaves the thread-locals of the first thread to the host, as those of all others.
  if (exports.__tls_size.value > 0 && exports.__tls_base.value === 0) exports.__wasm_init_tls(exports.thread_new());
  // Static constructors: once for all threads, and before anything else.
  exports.__wasm_call_ctors?.();
  return exports;
}

/** A further thread, in its own worker; `block` is from the first one's thread_new(). */
export async function furtherInstance(module, imports, block) {
  const { exports } = await WebAssembly.instantiate(module, imports);
  // In this order: __wasm_init_tls is a function already. Every instance has a stack pointer of its own, and all of them
  // begin where the first thread's stack is.
  exports.__stack_pointer.value = block;
  exports.__wasm_init_tls(block);
  return exports;
}

/** The memory in the import section: its place, and its limits in pages of 64 KiB. `undefined` where there is none. */
function importedMemory(bytes) {
  let at = 8; // behind the magic number and the version
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  const limits = () => {
    const flags = bytes[at++]; // 1: there is a maximum; 2: shared
    const initial = number();
    return { initial, maximum: flags & 1 ? number() : undefined, shared: (flags & 2) !== 0 };
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const end = number() + at;
    if (section === 2) {
      for (let left = number(); left > 0; left--) {
        const [module, name, kind] = [text(), text(), bytes[at++]];
        if (kind === 2) return { module, name, ...limits() };
        if (kind === 0) number(); // a function: its type
        else if (kind === 1) at++, limits(); // a table: what it is of, and its limits
        else if (kind === 3) at += 2; // a global: its type, and whether it can change
        else at++, number(); // a tag: an attribute, and its type
      }
    }
    at = end;
  }
}
