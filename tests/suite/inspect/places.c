/* Says where things are, in memory that a host can look at. Without a libc. */
typedef __UINTPTR_TYPE__ address;
#define EXPORT(name) __attribute__((export_name(#name)))

static const char text[] = "read only, and never moved";
static int value = 77;
static int zeros[5000];
#ifdef THREADS
static _Thread_local int local = 5;
#define COUNT(place) __atomic_fetch_add(place, 1, __ATOMIC_SEQ_CST)
EXPORT(where_local) address where_local(void) { return (address)&local; }
#else
#define COUNT(place) ++*(place)
#endif

EXPORT(where_text) address where_text(int at) { return (address)&text[at & 7]; }
EXPORT(where_value) address where_value(void) { COUNT(&value); return (address)&value; }
EXPORT(where_zeros) address where_zeros(int at) { COUNT(&zeros[at & 4095]); return (address)&zeros[at & 4095]; }
EXPORT(where_stack) address where_stack(int by) {
    volatile int on_stack[8];
    on_stack[by & 7] = by;
    return (address)&on_stack[by & 7];
}
#ifdef HEAP
extern unsigned char __heap_base;
EXPORT(where_heap) address where_heap(void) { return (address)&__heap_base; }
#endif
