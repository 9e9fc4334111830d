//! What there is to look at: the project, cargo's configuration from all its sources, the environment, the lock file.

use super::ask;
use super::report::Place;
use crate::project::Project;
use crate::project::config_file::ConfigFile;
use crate::project::flags::Flags;
use crate::project::recipe::Recipe;
use crate::rustc::Rustc;
use cargo_config2::Config;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// All of it, read once.
pub struct Look {
    /// The project.
    pub project: Project,
    /// What its target wants.
    pub recipe: &'static Recipe,
    /// The files that cargo reads, the one that wins first.
    pub files: Vec<ConfigFile>,
    /// What cargo makes of them and of the environment.
    pub config: Config,
    /// The compiler, or why there is none.
    pub rustc: Result<Rustc, String>,
    /// `rustflags` and `rustdocflags`.
    pub rustflags: InForce,
    /// The same for doctests.
    pub rustdocflags: InForce,
    /// `Cargo.lock`, where it is there and can be read.
    pub lock: Option<ConfigFile>,
}

/// Flags of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What cargo calls it: `RUSTFLAGS`, `target.TRIPLE.rustflags`.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Its words.
    pub words: Vec<String>,
}

/// The flags that cargo passes, and those that it drops for their sake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// The sources that count.
    pub sources: Vec<Source>,
    /// The sources that do not.
    pub dropped: Vec<Source>,
}

impl InForce {
    /// All words that count.
    pub fn words(&self) -> Vec<String> {
        self.sources.iter().flat_map(|source| source.words.clone()).collect()
    }

    /// What they say.
    pub fn flags(&self) -> Flags {
        Flags::read(&self.words())
    }

    /// Where the first of them are.
    pub fn place(&self) -> Place {
        self.sources.first().map_or(Place::None, |source| source.place.clone())
    }
}

/// A variable that is set, to nothing too.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl Look {
    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// Why it could not be looked at: a file that is no TOML, no project here.
    pub fn new(folder: &Path, manifest: Option<&Path>, triple: Option<&str>) -> Result<Look, String> {
        // Cargo's own words about a broken file are many, and have no `file:line:column`.
        let start = manifest.and_then(Path::parent).map_or_else(|| folder.to_owned(), |below| folder.join(below));
        read_files(&start)?;
        let project = Project::find(folder, manifest)?;
        let files = read_files(&project.folder)?;
        let config = Config::load_with_options(&project.folder, crate::project::options()).map_err(|error| chain(&error))?;
        let recipe = match triple {
            Some(triple) => Recipe::of(triple)?,
            None => configured(&config),
        };
        let rustc = config.build.rustc.clone().map_or_else(|| OsString::from("rustc"), Into::into);
        let rustc = Rustc::ask(&rustc, &project.folder);
        let rustflags = in_force("rustflags", recipe, &files, &project.folder);
        let rustdocflags = in_force("rustdocflags", recipe, &files, &project.folder);
        let lock = ConfigFile::read(&project.root.join("Cargo.lock")).ok();
        Ok(Look { project, recipe, files, config, rustc, rustflags, rustdocflags, lock })
    }

    /// The first file that has something under these keys, and its place.
    pub fn configured(&self, keys: &[&str]) -> Option<(&ConfigFile, Place)> {
        let file = self.files.iter().find(|file| file.get(keys).is_some())?;
        Some((file, Place::File(file.path.clone(), file.line(keys))))
    }

    /// A program on PATH.
    pub fn program(&self, name: impl AsRef<OsStr>) -> Option<PathBuf> {
        ask::find(name.as_ref(), &self.project.folder)
    }

    /// What a program says, asked for its version.
    pub fn version(&self, program: &Path, word: &str) -> Option<String> {
        let said = ask::ask(program, &[word], &self.project.folder)?;
        said.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }

    /// The versions of a package in the lock file, and their lines.
    pub fn locked(&self, name: &str) -> Vec<(String, Place)> {
        let Some(lock) = &self.lock else { return Vec::new() };
        let packages = lock.get(&["package"]).and_then(|item| item.as_array_of_tables());
        packages
            .into_iter()
            .flatten()
            .filter(|package| package.get("name").and_then(|name| name.as_str()) == Some(name))
            .filter_map(|package| {
                let version = package.get("version")?;
                let line = version.span().map(|span| lock.line_at(span.start));
                Some((version.as_str()?.to_owned(), Place::File(lock.path.clone(), line)))
            })
            .collect()
    }

    /// The names of all packages in the lock file.
    pub fn locked_names(&self) -> Vec<String> {
        let packages = self.lock.as_ref().and_then(|lock| lock.get(&["package"])).and_then(|item| item.as_array_of_tables());
        let name = |package: &toml_edit::Table| Some(package.get("name")?.as_str()?.to_owned());
        packages.into_iter().flatten().filter_map(name).collect()
    }

    /// A variable as a build script would see it: from the environment, else from `[env]`.
    pub fn build_variable(&self, name: &str) -> Option<(String, Place)> {
        if let Some(value) = variable(name) {
            return Some((value.to_string_lossy().into_owned(), Place::Variable(name.to_owned())));
        }
        let text = |keys: &[&str]| {
            let (file, place) = self.configured(keys)?;
            Some((file.text(keys)?.to_owned(), place))
        };
        text(&["env", name, "value"]).or_else(|| text(&["env", name]))
    }

    /// `TRIPLE` in the name of a variable.
    pub fn in_variables(&self) -> String {
        self.recipe.triple.to_ascii_uppercase().replace('-', "_")
    }
}

/// The files that cargo reads in `folder`, nearest first, the one in cargo's home last.
fn read_files(folder: &Path) -> Result<Vec<ConfigFile>, String> {
    cargo_config2::Walk::new(folder).map(|path| ConfigFile::read(&path).map_err(|problem| problem.to_string())).collect()
}

/// The first target of `build.target` that can have threads.
fn configured(config: &Config) -> &'static Recipe {
    let targets = config.build.target.iter().flatten();
    targets.filter_map(|target| Recipe::of(target.triple()).ok()).next().unwrap_or_else(Recipe::default)
}

/// An error with what is under it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut under = error.source();
    while let Some(error) = under {
        text += &format!(": {}", error.to_string().trim().replace('\n', ", "));
        under = error.source();
    }
    text
}

/// Which flags cargo passes: one variable, else another, else all for the target, else those of `[build]`; the first that is there
/// drops all others. A variable counts when it is set, to nothing too.
fn in_force(name: &str, recipe: &Recipe, files: &[ConfigFile], folder: &Path) -> InForce {
    let upper = name.to_ascii_uppercase();
    let from_variable = |variable_name: String, separator: fn(char) -> bool| {
        let value = variable(&variable_name)?.to_string_lossy().into_owned();
        let words = value.split(separator).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Some(Source { name: variable_name.clone(), place: Place::Variable(variable_name), words })
    };
    let from_file = |file: &ConfigFile, keys: &[&str]| {
        let words = file.words(keys)?;
        Some(Source { name: keys.join("."), place: Place::File(file.path.clone(), file.line(keys)), words })
    };
    let spaces: fn(char) -> bool = char::is_whitespace;
    let triple = recipe.triple.to_ascii_uppercase().replace('-', "_");
    let mut hidden = Vec::new();
    // Arrays are joined, the nearest last. Of strings the nearest counts alone.
    let mut all_files = |keys: &[&str]| {
        let count = files.iter().position(|file| file.text(keys).is_some()).map_or(files.len(), |at| at + 1);
        hidden.extend(files[count..].iter().filter_map(|file| from_file(file, keys)));
        files[..count].iter().rev().filter_map(|file| from_file(file, keys)).collect::<Vec<_>>()
    };
    let mut target = all_files(&["target", recipe.triple, name]);
    target.extend(from_variable(format!("CARGO_TARGET_{triple}_{upper}"), spaces));
    let build = all_files(&["build", name]);
    let build: Vec<Source> = build.into_iter().chain(from_variable(format!("CARGO_BUILD_{upper}"), spaces)).collect();
    target.extend(for_cfg(name, recipe, files, folder, &target, &build));
    // Of the levels below the variables one that has no words does not count.
    let filled = |sources: Vec<Source>| sources.into_iter().filter(|source| !source.words.is_empty()).collect::<Vec<_>>();
    let encoded = from_variable(format!("CARGO_ENCODED_{upper}"), |character| character == '\u{1f}');
    let levels = [Vec::from_iter(encoded), Vec::from_iter(from_variable(upper, spaces)), filled(target), filled(build)];
    let mut levels = levels.into_iter().skip_while(Vec::is_empty);
    let sources = levels.next().unwrap_or_default();
    InForce { sources, dropped: levels.flatten().chain(hidden).filter(|source| !source.words.is_empty()).collect() }
}

/// The tables of `target.'cfg(…)'` that hold for the target. Cargo-config2 decides, and does not tell which; but their words are at
/// the end of all words.
fn for_cfg(
    name: &str,
    recipe: &Recipe,
    files: &[ConfigFile],
    folder: &Path,
    target: &[Source],
    build: &[Source],
) -> Vec<Source> {
    let tables = files.iter().flat_map(|file| {
        let names = file.names(&["target"]).into_iter().filter(|table| table.starts_with("cfg("));
        names.filter_map(move |table| {
            let keys = ["target", &table, name];
            let place = Place::File(file.path.clone(), file.line(&keys));
            Some(Source { name: format!("target.'{table}'.{name}"), place, words: file.words(&keys)? })
        })
    });
    let tables: Vec<Source> = tables.filter(|source| !source.words.is_empty()).collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let overriding = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTDOCFLAGS", "CARGO_ENCODED_RUSTDOCFLAGS"];
    let variables = std::env::vars_os().filter(|(name, _)| !overriding.iter().any(|other| name == other));
    let resolved = Config::load_with_options(folder, crate::project::options().env(variables)).and_then(|config| match name {
        "rustflags" => config.rustflags(recipe.triple),
        _ => config.rustdocflags(recipe.triple),
    });
    let resolved = resolved.ok().flatten().map(|flags| flags.flags).unwrap_or_default();
    let known: usize = target.iter().map(|source| source.words.len()).sum();
    let from_build = known == 0 && resolved == build.iter().flat_map(|source| source.words.clone()).collect::<Vec<_>>();
    let rest = if from_build { &[] } else { resolved.get(known..).unwrap_or_default() };
    tables.into_iter().filter(|source| rest.windows(source.words.len()).any(|part| part == source.words)).collect()
}
