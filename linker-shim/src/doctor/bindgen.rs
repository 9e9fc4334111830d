//! The tools after the link: wasm-bindgen, wasm-opt, and what wasm-pack is told about it.

use super::ask::{numbers, version_in};
use super::look::Look;
use super::report::{Level, Place, Report};
use super::toolchain::Breaks;
use crate::project::config_file::ConfigFile;
use crate::project::wasm_pack::{self, FEATURES};

/// The last one that needs `__heap_base`.
const NEEDS_HEAP_BASE: [u64; 3] = [0, 2, 126];
/// Its output for wasm-bindgen of today names the wrong table in an export; 132 is right. Those between were not tried.
const WRONG_TABLES: u64 = 108;

pub fn examine(look: &Look, shim: bool, report: &mut Report) {
    let locked = look.locked("wasm-bindgen");
    if look.lock.is_none() && look.recipe.triple == "wasm32-unknown-unknown" {
        let message = "there is no Cargo.lock: wasm-bindgen's version and what has C code are not known";
        report.add(
            Level::Note,
            "lock-missing",
            message,
            Place::File(look.project.root.join("Cargo.lock"), None),
            "cargo generate-lockfile",
        );
    }
    if !locked.is_empty() {
        wasm_bindgen(look, &locked, shim, report);
    }
    wasm_opt(look, !locked.is_empty(), report);
}

fn wasm_bindgen(look: &Look, locked: &[(String, Place)], shim: bool, report: &mut Report) {
    for (version, place) in locked {
        report.fact("wasm-bindgen", format!("{version}, the library"), place.clone());
    }
    let flags = look.rustflags.flags();
    let heap_base_is_lost = look.rustc.as_ref().is_ok_and(|rustc| Breaks::of(rustc).heap_base);
    for (version, place) in locked {
        let old = numbers(version).is_some_and(|version| version[..] <= NEEDS_HEAP_BASE[..]);
        if old && heap_base_is_lost && !shim && !flags.exports("__heap_base") {
            report.add(
                Level::Error,
                "heap-base-missing",
                format!("wasm-bindgen {version} needs the export __heap_base, which rustc no longer asks for, and nobody does"),
                place.clone(),
                "cargo wasm-threads init; or cargo update -p wasm-bindgen --precise 0.2.127, or later",
            );
        }
        if old && flags.has("--initial-memory") {
            report.add(
                Level::Warning,
                "thread-page-in-the-heap",
                format!(
                    "wasm-bindgen {version} puts its page for threads where std's allocator of 2026 begins, when --initial-memory is \
                     set: workers may not start"
                ),
                place.clone(),
                "cargo update -p wasm-bindgen --precise 0.2.127, or later; or leave --initial-memory out",
            );
        }
    }
    let Some(program) = look.program("wasm-bindgen") else {
        let message = "wasm-bindgen's command is not on PATH; wasm-pack and trunk bring their own";
        let fix = format!("cargo install wasm-bindgen-cli --version {}", locked[0].0);
        report.add(Level::Note, "wasm-bindgen-cli-missing", message, Place::None, fix);
        return;
    };
    let said = look.version(&program, "--version");
    let installed = said.as_deref().and_then(version_in);
    let shown = said.as_deref().map_or("does not say its version", |said| said.trim_start_matches("wasm-bindgen "));
    report.fact("wasm-bindgen", format!("{shown}, {}", program.display()), Place::None);
    if !locked.iter().any(|(version, _)| numbers(version) == installed) {
        let (version, place) = &locked[0];
        report.add(
            Level::Error,
            "wasm-bindgen-version",
            format!("the command on PATH ({shown}) and the library in Cargo.lock ({version}) refuse each other"),
            place.clone(),
            format!("cargo install --force wasm-bindgen-cli --version {version}"),
        );
    }
}

fn wasm_opt(look: &Look, uses_bindgen: bool, report: &mut Report) {
    let program = look.program("wasm-opt");
    let said = program.as_deref().and_then(|program| look.version(program, "--version"));
    let version = said.as_deref().and_then(version_in).and_then(|numbers| numbers.first().copied());
    let manifests: Vec<ConfigFile> = look.project.manifests.iter().filter_map(|path| ConfigFile::read(path).ok()).collect();
    let settings: Vec<(&ConfigFile, wasm_pack::WasmOpt)> = manifests
        .iter()
        .flat_map(|manifest| wasm_pack::wasm_opt(manifest).into_iter().map(move |setting| (manifest, setting)))
        .filter(|(_, setting)| setting.runs)
        .collect();
    if let (Some(program), Some(said)) = (&program, &said) {
        report.fact("wasm-opt", format!("{said}, {}", program.display()), Place::None);
    }
    if version.is_some_and(|version| version <= WRONG_TABLES) && uses_bindgen {
        report.add(
            Level::Warning,
            "wasm-opt-is-old",
            format!("{} breaks the tables of what wasm-bindgen writes today", said.as_deref().unwrap_or("wasm-opt")),
            Place::None,
            "install a later binaryen (132 is right): npm install --global binaryen, or its release page",
        );
    }
    let features = FEATURES.join(" ");
    for (manifest, setting) in &settings {
        let words = setting.words.clone().unwrap_or_default();
        let has = |word: &str| words.iter().any(|found| found == word);
        let place = Place::File(manifest.path.clone(), Some(setting.line));
        if has("--all-features") || has("-all") {
            report.add(
                Level::Error,
                "wasm-opt-all-features",
                format!(
                    "wasm-opt with all features (profile {}) writes imports in a form that engines do not read",
                    setting.profile
                ),
                place,
                format!("in place of --all-features: {features}"),
            );
        } else if !words.is_empty() && FEATURES[..2].iter().any(|word| !has(word)) {
            let message =
                format!("wasm-opt (profile {}) is not told of threads, and refuses a stripped module", setting.profile);
            report.add(Level::Warning, "wasm-opt-without-threads", message, place, format!("add {features}"));
        }
    }
    let uses_wasm_opt = !settings.is_empty() || program.is_some() && uses_bindgen;
    if let Some(place) = stripped(&manifests, look).filter(|_| uses_wasm_opt) {
        report.add(
            Level::Warning,
            "wasm-opt-after-strip",
            "a stripped module no longer says which features it has, and wasm-opt refuses it unless it is told",
            place,
            format!("strip = \"debuginfo\", or wasm-opt {features}"),
        );
    } else if uses_wasm_opt {
        let message = "wasm-opt takes the features from the module; told by hand they are:";
        report.add(
            Level::Note,
            "wasm-opt-features",
            format!("{message} {features}"),
            Place::None,
            "none is needed while nothing strips the module",
        );
    }
}

/// Where the workspace's profiles take all custom sections off, `target_features` with them.
fn stripped(manifests: &[ConfigFile], look: &Look) -> Option<Place> {
    let root = manifests.iter().find(|manifest| manifest.path.parent() == Some(&look.project.root))?;
    root.names(&["profile"]).into_iter().find_map(|profile| {
        let keys = ["profile", &profile, "strip"];
        let item = root.get(&keys)?;
        let all = item.as_bool() == Some(true) || item.as_str() == Some("symbols");
        all.then(|| Place::File(root.path.clone(), root.line(&keys)))
    })
}
