// Picks the module that this place can run: `url("NAME")` is threaded where memory can be shared, and the fallback elsewhere.
const atomics = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0, 26, 11];

// A page shares memory only where it is isolated (COOP and COEP); node always does, and says nothing of it.
export const threaded =
  globalThis.crossOriginIsolated !== false && typeof SharedArrayBuffer === "function" && WebAssembly.validate(new Uint8Array(atomics));

export function url(name) {
  return new URL(`${threaded ? "threaded" : "fallback"}/${name}.EXTENSION`, import.meta.url);
}
