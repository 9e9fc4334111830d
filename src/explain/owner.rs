//! Whose object it is that a linker names.

use crate::inputs::Found;

/// The crate that an object belongs to.
pub(super) struct Owner {
    pub krate: Option<String>,
    /// Where it was found, in words.
    pub place: String,
    /// It came with the toolchain.
    prebuilt: bool,
}

impl Owner {
    /// From `lib<crate>-<hash>.rlib`, or a folder `build/<crate>-<hash>/out`.
    pub(super) fn of(found: &Found, name: &str) -> Owner {
        let path = &found.path;
        let parts: Vec<String> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let file = parts.last().map(String::as_str).unwrap_or_default();
        let from_rlib = file.strip_prefix("lib").and_then(|rest| rest.strip_suffix(".rlib")).map(without_hash);
        // The last of them: a whole project may lie in a folder `build`.
        let from_build = parts.windows(3).rev().find_map(|parts| match parts {
            [build, krate, out] if build == "build" && out == "out" && without_hash(krate) != krate => {
                Some(without_hash(krate))
            }
            _ => None,
        });
        let krate = from_rlib.or(from_build).or_else(|| std_crate(name)).map(str::to_owned);
        let place = if found.archive { format!("in {}", path.display()) } else { "on the command line".to_owned() };
        Owner { krate, place, prebuilt: parts.iter().any(|part| part == "rustlib") }
    }

    /// Whether that is one of the standard library.
    pub(super) fn is_std(&self) -> bool {
        self.prebuilt || self.krate.as_deref().is_some_and(|krate| STD.contains(&krate))
    }
}

/// The crates of the standard library.
const STD: [&str; 8] = ["std", "core", "alloc", "panic_abort", "panic_unwind", "compiler_builtins", "dlmalloc", "test"];

/// `name-0123456789abcdef` without the hash.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

/// The crate of the standard library that rustc named this object for: `std-<hash>.std.<hash>-cgu.06.rcgu.o`.
fn std_crate(object: &str) -> Option<&str> {
    let krate = without_hash(object.strip_suffix(".rcgu.o")?.split('.').next()?);
    STD.contains(&krate).then_some(krate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn owner(path: &str, name: &str) -> Option<String> {
        Owner::of(&Found { path: PathBuf::from(path), archive: true }, name).krate
    }

    #[test]
    fn owners() {
        assert_eq!(owner("/t/deps/libmy_sys-0123456789abcdef.rlib", "a.o").as_deref(), Some("my_sys"));
        assert_eq!(owner("/t/build/lua-sys-0123456789abcdef/out/liblua.a", "ldo.o").as_deref(), Some("lua-sys"));
        assert_eq!(owner("/x/libplain.rlib", "a.o").as_deref(), Some("plain"));
        assert_eq!(owner("/x/y.a", "a.o"), None);
        assert_eq!(owner("/build/mine/target/build/lua-sys-0123456789abcdef/out/liblua.a", "a.o").as_deref(), Some("lua-sys"));
        assert_eq!(owner("/build/mine/libx.a", "a.o"), None);
        assert_eq!(std_crate("std-00c0ffee00c0ffee.std.1234567890abcdef-cgu.06.rcgu.o"), Some("std"));
        assert_eq!(std_crate("app.1234-cgu.0.rcgu.o"), None);
    }
}
