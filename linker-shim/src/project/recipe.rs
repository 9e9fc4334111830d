//! What a threaded build wants from cargo's configuration, for each target that can have threads.

/// The wants of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The target.
    pub triple: &'static str,
    /// The features to ask for; none where the target has them by itself.
    pub features: Option<&'static str>,
    /// The link argument by which the shim, and any other linker, knows that this link must be threaded.
    pub marker: &'static str,
    /// What of the standard library is compiled anew; nothing where rustup ships it with threads.
    pub build_std: &'static [&'static str],
}

/// `bulk-memory` and `mutable-globals` are on by themselves since Rust 1.87; older compilers want them said.
const FEATURES: &str = "+atomics,+bulk-memory,+mutable-globals";
const MARKER: &str = "--export-if-defined=wasm-threads:threaded";

/// All of them, the one that is meant where none is named first.
pub const RECIPES: &[Recipe] = &[
    Recipe { triple: "wasm32-unknown-unknown", features: Some(FEATURES), marker: MARKER, build_std: &["std", "panic_abort"] },
    Recipe {
        triple: "wasm32-unknown-emscripten",
        features: Some(FEATURES),
        marker: "-Wl,--export-if-defined=wasm-threads:threaded",
        build_std: &["std", "panic_unwind"],
    },
    Recipe { triple: "wasm32-wasip1-threads", features: None, marker: MARKER, build_std: &[] },
    Recipe { triple: "wasm64-unknown-unknown", features: Some(FEATURES), marker: MARKER, build_std: &["std", "panic_abort"] },
];

impl Recipe {
    /// The recipe for `triple`.
    ///
    /// # Errors
    ///
    /// Why there is none, and which targets have one.
    pub fn of(triple: &str) -> Result<&'static Recipe, String> {
        if let Some(recipe) = RECIPES.iter().find(|recipe| recipe.triple == triple) {
            return Ok(recipe);
        }
        if triple.starts_with("wasm32-wasi") {
            return Err(format!("{triple} has no threads in its libc; the target with threads is wasm32-wasip1-threads"));
        }
        let known: Vec<&str> = RECIPES.iter().map(|recipe| recipe.triple).collect();
        Err(format!("{triple} is not a target that can be set up for threads; these are: {}", known.join(", ")))
    }

    /// The target where none was named.
    pub fn default() -> &'static Recipe {
        &RECIPES[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_without_threads_are_told_apart() {
        assert_eq!(Recipe::of("wasm32-unknown-unknown"), Ok(Recipe::default()));
        assert!(Recipe::of("wasm32-wasip1").unwrap_err().contains("the target with threads is wasm32-wasip1-threads"));
        assert!(Recipe::of("x86_64-unknown-linux-gnu").unwrap_err().contains("these are: wasm32-unknown-unknown, "));
    }

    /// The marker is what the linker takes for one, and the features are such that a link is threaded.
    #[test]
    fn marker_is_the_linkers() {
        for recipe in RECIPES {
            assert!(recipe.marker.ends_with(&format!("={}threaded", wasm_threads::settings::MARKER)), "{recipe:?}");
        }
    }
}
