fn main() {
    // Each thread gets a stack of its own, so its host must be able to say where that is.
    println!("cargo::rustc-link-arg=--export=__stack_pointer");
    println!("cargo::rerun-if-changed=build.rs");
}
