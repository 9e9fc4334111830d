fn main() {
    // Its thread-locals and atomics are real ones.
    wasm_threads::cc().file("src/darts.c").compile("darts");
    // This has neither, and is right however it is compiled.
    cc::Build::new().file("src/shuffle.c").compile("shuffle");
}
