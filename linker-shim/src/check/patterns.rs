//! Patterns of names, such as `dist/mt/*.wasm`: which modules they are for, and which of them are there.

use super::walk::{self, Found};
use globset::{GlobBuilder, GlobMatcher};
use std::path::{Component, Path, PathBuf};

/// A pattern. With a folder in it, it is for whole paths, from the current folder on; without one, for names in any folder.
#[derive(Debug)]
pub struct Pattern {
    /// As it was typed.
    pub text: String,
    matcher: GlobMatcher,
    /// It is for whole paths.
    pub has_folder: bool,
    /// The folder in front of everything that is a pattern.
    base: PathBuf,
    /// It ends as no module does, such as `*.so`: then it says itself what it wants.
    own_ending: bool,
}

/// What makes a name a pattern.
const SPECIAL: [char; 5] = ['*', '?', '[', '{', '\\'];

impl Pattern {
    pub fn new(text: &str) -> Result<Pattern, String> {
        let plain = plain(Path::new(text));
        let plain = plain.to_str().unwrap_or(text);
        let glob = GlobBuilder::new(plain).literal_separator(true).build();
        let matcher = glob.map_err(|error| format!("{text:?} is no pattern: {}", error.kind()))?.compile_matcher();
        let mut base = PathBuf::new();
        let has_folder = Path::new(plain).components().count() > 1;
        for part in Path::new(plain).components() {
            if !has_folder || part.as_os_str().to_string_lossy().contains(SPECIAL) {
                break;
            }
            base.push(part);
        }
        let ending = Path::new(plain).extension().and_then(|ending| ending.to_str());
        let own_ending = ending.is_some_and(|ending| !ending.contains(SPECIAL) && !ending.eq_ignore_ascii_case("wasm"));
        Ok(Pattern { text: text.to_owned(), matcher, has_folder, base, own_ending })
    }

    /// Whether it is for the module in `path`: for its path or its name, or for a folder that it is in.
    pub fn is_for(&self, path: &Path) -> bool {
        let path = plain(path);
        if self.has_folder {
            path.ancestors().any(|part| self.matcher.is_match(part))
        } else {
            path.components().any(|part| self.matcher.is_match(part.as_os_str()))
        }
    }

    /// Whether it is for that very file, and not for a folder that it is in.
    fn names(&self, path: &Path) -> bool {
        let path = plain(path);
        let name = if self.has_folder { Some(path.as_os_str()) } else { path.file_name() };
        name.is_some_and(|name| self.matcher.is_match(name))
    }

    /// All modules that it is for: from the folder on that it names, or else from the current one.
    pub fn expand(&self, found: &mut Found) {
        let base = if self.base.as_os_str().is_empty() { Path::new(".") } else { &self.base };
        let wanted = |path: &Path| {
            if walk::is_module(path) { self.is_for(path) } else { self.own_ending && self.names(path) }
        };
        walk::modules(base, &wanted, found);
    }
}

/// A path without `.` in it.
pub fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_they_are_for() {
        for (pattern, path, wanted) in [
            ("dist/mt/*.wasm", "dist/mt/a.wasm", true),
            ("dist/mt/*.wasm", "./dist/mt/a.wasm", true),
            ("./dist/mt/*.wasm", "dist/./mt/a.wasm", true),
            ("dist/mt/*.wasm", "dist/mt/deep/a.wasm", false),
            ("dist/mt/*.wasm", "other/dist/mt/a.wasm", false),
            ("dist/mt/**/*.wasm", "dist/mt/deep/a.wasm", true),
            ("dist/mt/**/*.wasm", "dist/mt/a.wasm", true),
            ("dist/mt", "dist/mt/deep/a.wasm", true),
            ("dist/mt", "dist/mt2/a.wasm", false),
            ("*.threads.wasm", "dist/a.threads.wasm", true),
            ("*.threads.wasm", "dist/a.wasm", false),
            ("*-{mt,threads}.wasm", "a-mt.wasm", true),
            ("mt", "dist/mt/a.wasm", true),
            ("/dist/*.wasm", "dist/a.wasm", false),
            ("[", "[", false),
        ] {
            let is_for = Pattern::new(pattern).is_ok_and(|pattern| pattern.is_for(Path::new(path)));
            assert_eq!(is_for, wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn where_they_begin() {
        for (pattern, base) in
            [("dist/mt/*.wasm", "dist/mt"), ("*.wasm", ""), ("/a/b*/c", "/a"), ("./x/y.wasm", "x/y.wasm"), ("x.wasm", "")]
        {
            assert_eq!(Pattern::new(pattern).expect(pattern).base, Path::new(base), "{pattern}");
        }
    }
}
