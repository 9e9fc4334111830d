// What a thread needs beside its own instance of the module, without a libc: a stack, a place for its thread-locals, and a lock.

#ifndef THREADS_H
#define THREADS_H

#define EXPORT(name) __attribute__((export_name(#name)))

// A lock that lets a thread sleep until it is free. All zeros is free.
struct lock {
    int word;
};

void lock(struct lock *lock);
void unlock(struct lock *lock);

#endif
