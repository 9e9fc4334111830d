// Threads of a WebAssembly module, for a page and for node: one memory, and an instance of the module in each thread.

const STACK = 1 << 20; // bytes, for each thread

// The memory of all threads. The module declares 17 to 16384 pages of 64 KiB; a host may begin with more, and end with less.
export const newMemory = () => new WebAssembly.Memory({ initial: 32, maximum: 16384, shared: true });

// The first instance fills the memory with the module's data.
export async function firstInstance(module, memory) {
  return (await WebAssembly.instantiate(module, { env: { memory } })).exports;
}

// What a further thread is sent. `first` makes room for it.
export function newThread(module, memory, first) {
  const { __tls_size, __tls_align } = first;
  return {
    module,
    memory,
    stack: first.block(STACK, 16) + STACK, // a stack grows down
    tls: first.block(__tls_size.value, __tls_align.value),
  };
}

// In the further thread.
export async function furtherInstance({ module, memory, stack, tls }) {
  const exports = await firstInstance(module, memory);
  exports.__stack_pointer.value = stack;
  if (tls) exports.__wasm_init_tls(tls);
  return exports;
}
