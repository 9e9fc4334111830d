// Counts prime numbers in as many threads as the host starts: each calls work().

#include "threads.h"

#include <stdatomic.h>
#include <stdint.h>

enum { LIMIT = 2000000, ROOT = 1500, CHUNK = 2000 };

// Written once, before everything else: the host calls __wasm_call_ctors in its first thread, and in no other.
static uint16_t small_primes[ROOT];
static unsigned small_count;

__attribute__((constructor)) static void find_small_primes(void) {
    for (unsigned n = 2; n < ROOT; n++) {
        unsigned i = 0;
        while (i < small_count && n % small_primes[i] != 0) i++;
        if (i == small_count) small_primes[small_count++] = n;
    }
}

// One for all threads: the first number that nobody has taken yet.
static atomic_uint next;

// One for all threads, under a lock.
static struct lock result_lock;
static struct {
    unsigned count;
    double sum;
} result;

// One for each thread.
static _Thread_local unsigned mine;

static int is_prime(unsigned n) {
    for (unsigned i = 0; i < small_count && small_primes[i] * small_primes[i] <= n; i++) {
        if (n % small_primes[i] == 0) return 0;
    }
    return n >= 2;
}

// Takes chunks until there are none; how many primes were in them.
EXPORT(work) unsigned work(void) {
    unsigned all = 0;
    for (;;) {
        unsigned from = atomic_fetch_add(&next, CHUNK);
        if (from >= LIMIT) return all;
        unsigned found[CHUNK]; // on this thread's own stack
        unsigned count = 0;
        for (unsigned n = from; n < from + CHUNK; n++) {
            if (is_prime(n)) found[count++] = n;
        }
        mine += count;
        all += count;
        lock(&result_lock);
        result.count += count;
        for (unsigned i = 0; i < count; i++) result.sum += found[i];
        unlock(&result_lock);
    }
}

// What this thread has found since it began.
EXPORT(found_by_this_thread) unsigned found_by_this_thread(void) { return mine; }

// What all have found. Called when nobody is at work.
EXPORT(count) unsigned count(void) { return result.count; }
EXPORT(sum) double sum(void) { return result.sum; }

EXPORT(begin_again) void begin_again(void) {
    next = 0;
    result.count = 0;
    result.sum = 0;
}
