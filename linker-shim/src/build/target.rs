//! The targets that have threads, and what each needs for them.

/// A target with threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name that cargo's configuration knows it by.
    pub triple: String,
    /// The word for `--target`: the same, or the path of a file.
    pub word: String,
    /// Who runs its modules.
    pub host: Host,
}

/// Who runs a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// javascript.
    Javascript,
    /// The script that emcc writes.
    Emscripten,
    /// WASI, with threads.
    Wasi,
}

/// Where nothing else is said.
pub const DEFAULT: &str = "wasm32-unknown-unknown";

impl Target {
    /// The target that is meant by the words `given` with `--target`, else by `configured` (`build.target`), else the default.
    pub fn choose(given: &[&str], configured: &[String]) -> Result<Target, String> {
        match given {
            [] => {}
            [one] => return Target::named(one),
            _ => return Err(format!("one target at a time, and not {}", given.join(" and "))),
        }
        // A machine's own target is what plain `cargo build` makes; it says nothing about WebAssembly.
        let configured: Vec<&str> = configured.iter().map(String::as_str).filter(|name| name.starts_with("wasm")).collect();
        match configured.as_slice() {
            [] => Target::named(DEFAULT),
            [one] => Target::named(one),
            several => Err(format!("build.target names {}: say which by --target", several.join(" and "))),
        }
    }

    fn named(word: &str) -> Result<Target, String> {
        // A specification in a file is known by the file's name (cargo, `CompileTarget::short_name`).
        let triple = match word.strip_suffix(".json") {
            Some(path) => path.rsplit(['/', '\\']).next().unwrap_or(path),
            None => word,
        };
        let rest = triple.strip_prefix("wasm32").or_else(|| triple.strip_prefix("wasm64"));
        let host = match rest {
            Some(rest) if rest.contains("emscripten") => Host::Emscripten,
            Some(rest) if rest.contains("-wasi") && rest.ends_with("-threads") => Host::Wasi,
            Some(rest) if rest.contains("-wasi") => {
                return Err(format!(
                    "{triple} has no threads: its libc was built without. Take --target wasm32-wasip1-threads"
                ));
            }
            Some(rest) if rest.contains("-wali") => {
                return Err(format!("{triple} has threads of its own kind: build it with plain cargo"));
            }
            Some(_) => Host::Javascript,
            None => {
                return Err(format!(
                    "{triple} is not WebAssembly: wanted {DEFAULT}, wasm32-unknown-emscripten or wasm32-wasip1-threads"
                ));
            }
        };
        Ok(Target { triple: triple.to_owned(), word: word.to_owned(), host })
    }

    /// The end of a variable of cargo's: `WASM32_UNKNOWN_UNKNOWN`.
    pub fn variable(&self, key: &str) -> String {
        let upper = |text: &str| text.to_uppercase().replace(['-', '.'], "_");
        format!("CARGO_TARGET_{}_{}", upper(&self.triple), upper(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen() {
        let choose = |given: &[&str], configured: &[&str]| {
            let configured: Vec<String> = configured.iter().map(|name| (*name).to_owned()).collect();
            Target::choose(given, &configured).map(|target| (target.triple, target.host))
        };
        let web = || Ok((DEFAULT.to_owned(), Host::Javascript));
        assert_eq!(choose(&[], &[]), web());
        assert_eq!(choose(&[], &["x86_64-unknown-linux-musl"]), web());
        assert_eq!(choose(&[], &["wasm32-wasip1-threads"]), Ok(("wasm32-wasip1-threads".to_owned(), Host::Wasi)));
        assert_eq!(choose(&[DEFAULT], &["wasm32-wasip1-threads"]), web());
        assert_eq!(choose(&["wasm32v1-none"], &[]), Ok(("wasm32v1-none".to_owned(), Host::Javascript)));
        assert_eq!(choose(&["wasm32-unknown-emscripten"], &[]).map(|(_, host)| host), Ok(Host::Emscripten));
        assert_eq!(choose(&["specs\\wasm32-mine.json"], &[]), Ok(("wasm32-mine".to_owned(), Host::Javascript)));
        for (given, configured, said) in [
            (&["wasm32-wasip1"][..], &[][..], "wasm32-wasip1-threads"),
            (&["wasm32-wasip2"], &[], "has no threads"),
            (&["x86_64-unknown-linux-gnu"], &[], "is not WebAssembly"),
            (&["wasm32-wali-linux-musl"], &[], "of its own kind"),
            (&[DEFAULT, "wasm64-unknown-unknown"], &[], "one target at a time"),
            (&[], &[DEFAULT, "wasm32-wasip1-threads"], "say which by --target"),
        ] {
            assert!(choose(given, configured).is_err_and(|error| error.contains(said)), "{given:?} {configured:?}");
        }
        let target = Target::choose(&["wasm32-mine.1.json"], &[]).unwrap();
        assert_eq!(target.variable("rustflags"), "CARGO_TARGET_WASM32_MINE_1_RUSTFLAGS");
    }
}
