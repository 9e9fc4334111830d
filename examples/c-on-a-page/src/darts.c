/* Darts thrown at a square, by a generator of each thread's own, counted in two numbers for all threads. */

unsigned long long shuffle(unsigned long long state);

static _Thread_local unsigned long long state = 88172645463325252;
static _Atomic unsigned thrown;
static _Atomic unsigned inside;

void darts_seed(unsigned number) { state = shuffle(state + number); }

unsigned darts_state(void) { return (unsigned)state; }

void darts_throw(unsigned count) {
  unsigned hits = 0;
  for (unsigned i = 0; i < count; i++) {
    state = shuffle(state);
    double x = (double)(unsigned)state / 4294967296.0;
    double y = (double)(unsigned)(state >> 32) / 4294967296.0;
    hits += x * x + y * y < 1.0;
  }
  __c11_atomic_fetch_add(&inside, hits, __ATOMIC_RELAXED);
  __c11_atomic_fetch_add(&thrown, count, __ATOMIC_RELAXED);
}

unsigned darts_thrown(void) { return __c11_atomic_load(&thrown, __ATOMIC_RELAXED); }

unsigned darts_inside(void) { return __c11_atomic_load(&inside, __ATOMIC_RELAXED); }
