//! What a manifest tells wasm-pack about wasm-opt.

use super::config_file::ConfigFile;

/// One `wasm-opt = …` in `[package.metadata.wasm-pack.profile.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasmOpt {
    /// The profile.
    pub profile: String,
    /// Its line in the manifest.
    pub line: usize,
    /// The words for wasm-opt; none where it is switched off, or on with wasm-pack's own.
    pub words: Option<Vec<String>>,
    /// Whether wasm-opt runs.
    pub runs: bool,
}

/// Each of them.
pub fn wasm_opt(manifest: &ConfigFile) -> Vec<WasmOpt> {
    const TABLE: [&str; 4] = ["package", "metadata", "wasm-pack", "profile"];
    let read = |profile: String| {
        let keys = [&TABLE[..], &[&profile, "wasm-opt"]].concat();
        let item = manifest.get(&keys)?;
        let words = item.as_array().and_then(|_| super::config_file::words(item));
        let runs = item.as_bool() != Some(false);
        Some(WasmOpt { line: manifest.line(&keys)?, words, runs, profile })
    };
    manifest.names(&TABLE).into_iter().filter_map(read).collect()
}

/// The features that wasm-opt needs to be told of, where a module has lost its own list of them. Measured with binaryen 108 and
/// 132 on modules of rustc 1.96, before and after wasm-bindgen.
pub const FEATURES: [&str; 7] = [
    "--enable-threads",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-multivalue",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_the_profiles_say() {
        let text = "[package]\nname = 'x'\n[package.metadata.wasm-pack.profile.release]\nwasm-opt = ['-O4', '--enable-simd']\n\
                    [package.metadata.wasm-pack.profile.dev]\nwasm-opt = false\n\
                    [package.metadata.wasm-pack.profile.profiling.wasm-bindgen]\ndebug-js-glue = true\n";
        let found = wasm_opt(&ConfigFile::parse(Path::new("Cargo.toml"), text.to_owned()).unwrap());
        assert_eq!(found.len(), 2);
        let words = Some(vec!["-O4".to_owned(), "--enable-simd".to_owned()]);
        assert_eq!(found[0], WasmOpt { profile: "release".into(), line: 4, words, runs: true });
        assert_eq!(found[1], WasmOpt { profile: "dev".into(), line: 6, words: None, runs: false });
    }
}
