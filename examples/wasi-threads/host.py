"""Runs a program of wasm32-wasip1-threads on wasmtime: python3 host.py MODULE.wasm [WORD...]

Needs Python's package wasmtime: python3 -m pip install wasmtime
"""

import itertools
import os
import sys
import threading
import traceback

import wasmtime
from wasmtime import _ffi

config = wasmtime.Config()
config.shared_memory = True
engine = wasmtime.Engine(config)


class SharedMemory(wasmtime.SharedMemory):
    def _as_extern(self):
        # That of wasmtime 50 gives a pointer to the pointer.
        of = _ffi.wasmtime_extern_union(sharedmemory=self.ptr())
        return _ffi.wasmtime_extern_t(_ffi.WASMTIME_EXTERN_SHAREDMEMORY, of)


def memory_of(module):
    for needed in module.imports:
        if isinstance(needed.type, wasmtime.MemoryType):
            return (needed.module, needed.name, SharedMemory(engine, needed.type))
    sys.exit("it imports no memory")


module = wasmtime.Module.from_file(engine, sys.argv[1])
memory = memory_of(module)
numbers = itertools.count(1)


def instance():
    """A new thread's own: the memory alone belongs to all."""
    wasi = wasmtime.WasiConfig()
    wasi.argv = sys.argv[1:]
    wasi.inherit_env()
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.define(store, *memory)
    spawned = wasmtime.FuncType([wasmtime.ValType.i32()], [wasmtime.ValType.i32()])
    linker.define_func("wasi", "thread-spawn", spawned, spawn)
    return store, linker.instantiate(store, module).exports(store)


def end(code):
    """Ends the program with all of its threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(name, *arguments):
    try:
        store, exports = instance()
        exports[name](store, *arguments)
    except wasmtime.ExitTrap as trap:
        end(trap.code)
    except BaseException:
        traceback.print_exc()
        end(1)


def spawn(argument):
    number = next(numbers)
    threading.Thread(target=run, args=("wasi_thread_start", number, argument)).start()
    return number


run("_start")
end(0)
