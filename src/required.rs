//! [`required!`](crate::required): a crate's need that travels in its object.

/// Says that whoever links this crate must be threaded.
///
/// The need is a custom section `wasm-threads` in the crate's object, one line that names the crate. `wasm-threads-linker`
/// fails a link that has the section among its inputs and no atomics, and names the crate; every check of a module that has
/// it expects a threaded one. It costs a few dozen bytes, and nothing at all for a target that is not WebAssembly.
///
/// ```
/// wasm_threads::required!();
/// # fn main() {}
/// ```
///
/// Use it once in a crate, in its root. The crate needs only `wasm-threads = { version = "0.1", default-features = false }`,
/// which is `no_std` and has no dependency.
#[macro_export]
macro_rules! required {
    () => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            const NAME: &str = concat!("wasm-threads: required by ", env!("CARGO_PKG_NAME"));
            const fn line<const LENGTH: usize>(name: &[u8]) -> [u8; LENGTH] {
                let mut line = [b'\n'; LENGTH];
                let mut at = 0;
                while at < name.len() {
                    line[at] = name[at];
                    at += 1;
                }
                line
            }
            #[used]
            #[unsafe(link_section = "wasm-threads")]
            static NEED: [u8; NAME.len() + 1] = line(NAME.as_bytes());
        };
    };
}
