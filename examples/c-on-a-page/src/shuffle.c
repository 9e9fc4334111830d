/* Marsaglia's xorshift: plain C, which knows nothing of threads. */

unsigned long long shuffle(unsigned long long state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
