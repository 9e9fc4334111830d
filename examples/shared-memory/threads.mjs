// Threads of a WebAssembly module, for a page and for node: one memory, and an instance of the module in each thread.

export const PAGE = 65536; // bytes

// The memory of all threads. The module declares its own least, and 16384 pages at most; a host may begin with more, and end
// with less.
export const newMemory = () => new WebAssembly.Memory({ initial: 32, maximum: 1024, shared: true });

// So many bytes that nobody else uses, in pages of their own. There is no allocator here: this is all of it.
export function newBlock(memory, size) {
  return memory.grow(Math.ceil(size / PAGE)) * PAGE;
}

// An instance in this thread. The very first one fills the memory with what the module begins with. `stack` is where the stack of any other
// thread ends, since it grows down; that of the first is part of the module.
export async function newInstance({ module, memory, stack }) {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  if (stack) exports.__stack_pointer.value = stack;
  return exports;
}

// A thread that calls what it is told to; `worker` is one of node or of a page, with an `ask` in front of it.
export async function newThread(worker, module, memory) {
  const stack = newBlock(memory, PAGE) + PAGE;
  await worker.ask({ thread: { module, memory, stack } });
  return (name, ...args) => worker.ask({ name, args });
}
