#include "threads.h"

#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------- stacks and thread-locals

// A thread's place in the memory. Its stack grows down from the address that the host is given, its thread-locals begin there:
//
//     | next …  <- stack | thread-locals |
//                        ^ thread_new()
//
// Nothing guards the end of a stack: one that grows past STACK bytes writes over whatever lies below.
enum { STACK = 64 * 1024, PAGE = 65536 };

// In a block that no thread uses, right below that address: the next such block.
#define NEXT(block) (((uintptr_t *)(block))[-1])

static struct lock blocks_lock;
static uintptr_t free_blocks;
static uintptr_t used; // from __heap_base up to here

extern unsigned char __heap_base; // the linker's: here nothing of the program lies any more

static uintptr_t new_block(void) {
    size_t align = __builtin_wasm_tls_align();
    if (align < 16) align = 16;
    if (used == 0) used = (uintptr_t)&__heap_base;
    uintptr_t block = (used + STACK + align - 1) / align * align;
    uintptr_t end = block + __builtin_wasm_tls_size();
    uintptr_t there = __builtin_wasm_memory_size(0) * PAGE;
    if (end > there && __builtin_wasm_memory_grow(0, (end - there + PAGE - 1) / PAGE) == (size_t)-1) return 0;
    used = end;
    return block;
}

// A place for one more thread; 0 when the memory has no more. Whoever starts the thread asks for it, and gives it back with
// thread_free when that thread has ended: a thread cannot give away the stack that it stands on.
EXPORT(thread_new) uintptr_t thread_new(void) {
    lock(&blocks_lock);
    uintptr_t block = free_blocks;
    if (block) {
        free_blocks = NEXT(block);
    } else {
        block = new_block();
    }
    unlock(&blocks_lock);
    return block;
}

EXPORT(thread_free) void thread_free(uintptr_t block) {
    lock(&blocks_lock);
    NEXT(block) = free_blocks;
    free_blocks = block;
    unlock(&blocks_lock);
}

// ---------------------------------------------------------------- a lock

// 0: free; 1: held; 2: held, and somebody may be asleep.

// Sleeps as long as the word is `seen`; whoever calls it looks again, whatever woke it. A function of nothing else: in one that
// waits, node 20 may lose the local variables.
static __attribute__((noinline)) void wait(int *word, int seen) { __builtin_wasm_memory_atomic_wait32(word, seen, -1); }

void lock(struct lock *lock) {
    int expected = 0;
    if (__atomic_compare_exchange_n(&lock->word, &expected, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0) wait(&lock->word, 2);
}

void unlock(struct lock *lock) {
    if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2) __builtin_wasm_memory_atomic_notify(&lock->word, 1);
}
