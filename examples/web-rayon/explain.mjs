// Why there are no threads: what was found, and what mends it.

export function explain(error, { isolated, secure, shared }) {
  const why = [];
  if (!shared) {
    why.push({
      what: "The module’s memory is not shared.",
      because:
        "It was linked for one thread: since Rust 1.92 the target feature “atomics” alone no longer makes a shared memory, and nothing says so.",
      fix: "One line in .cargo/config.toml, then build again:",
      code: '[target.wasm32-unknown-unknown]\nlinker = "wasm-threads-linker"',
    });
  }
  if (!secure) {
    why.push({
      what: "The page’s address is not a secure one.",
      because: "Browsers share memory only on pages that came over HTTPS, or from this very machine.",
      fix: "Open it by https://, or as",
      code: "http://localhost",
    });
  } else if (!isolated) {
    why.push({
      what: "The page is not cross-origin isolated.",
      because: "Browsers share memory between threads only on pages that ask to be kept apart from others.",
      fix: "Let the server send these two headers with the page:",
      code: "Cross-Origin-Opener-Policy: same-origin\nCross-Origin-Embedder-Policy: require-corp",
    });
  }
  if (why.length === 0) {
    why.push({
      what: "This browser could not start the threads.",
      because: "The page is isolated and its memory is shared, so it is for another reason.",
      fix: "A newer browser may do.",
    });
  }
  why[0].error = `${error}`;
  return why;
}
