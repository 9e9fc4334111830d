//! What emcc is told beyond threads themselves, which the linker sees to.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Workers that are there before main begins, one for each thread that it starts: while main runs, none can be started, and
    // one that is done cannot come back.
    println!("cargo::rustc-link-arg=-sPTHREAD_POOL_SIZE=5");
    // When main returns, the program ends; without it the workers keep node alive.
    println!("cargo::rustc-link-arg=-sEXIT_RUNTIME");
    // emcc gives a program 16 MiB, which never grow; the stack of each thread takes 2 of them.
    println!("cargo::rustc-link-arg=-sINITIAL_MEMORY=67108864");
}
