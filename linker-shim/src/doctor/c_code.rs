//! C among the dependencies: its compiler, and whether it compiles for threads. And emcc, which links for Emscripten.

use super::look::{Look, variable};
use super::report::{Level, Place, Report};

pub fn examine(look: &Look, report: &mut Report) {
    if look.recipe.triple == "wasm32-unknown-emscripten" {
        emcc(look, report);
    }
    let names = look.locked_names();
    if !names.iter().any(|name| name == "cc" || name == "cmake") {
        return;
    }
    let mut users: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.ends_with("-sys")).collect();
    users.truncate(5);
    let users = if users.is_empty() { String::new() } else { format!(" ({})", users.join(", ")) };
    compiler(look, &users, report);
    flags(look, &users, report);
}

/// The names that the crate `cc` looks for, in its order.
fn names(look: &Look, name: &str) -> Vec<String> {
    let triple = look.recipe.triple;
    vec![format!("{name}_{triple}"), format!("{name}_{}", triple.replace('-', "_")), format!("TARGET_{name}"), name.to_owned()]
}

fn first(look: &Look, name: &str) -> Option<(String, String, Place)> {
    names(look, name).into_iter().find_map(|name| look.build_variable(&name).map(|(value, place)| (name, value, place)))
}

fn compiler(look: &Look, users: &str, report: &mut Report) {
    let usual = if look.recipe.triple == "wasm32-unknown-emscripten" { "emcc" } else { "clang" };
    let (program, place) = match first(look, "CC") {
        // It may have arguments; a path with spaces is taken whole where it is there.
        Some((_, value, place)) if look.program(&value).is_some() => (value, place),
        Some((_, value, place)) => (value.split_whitespace().next().unwrap_or_default().to_owned(), place),
        None => (usual.to_owned(), Place::None),
    };
    match look.program(&program) {
        Some(found) => report.fact("C compiler", super::path(&found), place),
        None => report.add(
            Level::Warning,
            "c-compiler-missing",
            format!("Cargo.lock has C code{users}, and its compiler {program} is not there"),
            place,
            format!("install clang; or, where it has another name: export {}=clang-22", names(look, "CC")[1]),
        ),
    }
}

fn flags(look: &Look, users: &str, report: &mut Report) {
    // emcc and a clang for `*-threads` take one word for both; and the crate `cc` passes it there by itself.
    let emscripten = look.recipe.triple == "wasm32-unknown-emscripten";
    if look.recipe.features.is_none() {
        return;
    }
    let wanted = if emscripten { "-pthread" } else { "-matomics -mbulk-memory" };
    let name = &names(look, "CFLAGS")[1];
    match first(look, "CFLAGS") {
        Some((found, value, place)) => {
            report.fact("CFLAGS", value.clone(), place.clone());
            let words: Vec<&str> = value.split_whitespace().collect();
            let threaded = words.contains(&"-pthread") || words.contains(&"-matomics") && words.contains(&"-mbulk-memory");
            if !threaded {
                report.add(
                    Level::Warning,
                    "cflags-without-atomics",
                    format!("{found} has no {wanted}: C{users} that uses atomics or thread-locals does not link"),
                    place,
                    format!("{name}=\"{value} {wanted}\""),
                );
            }
        }
        None => report.add(
            Level::Note,
            "cflags-missing",
            format!(
                "Cargo.lock has C code{users}; where that uses atomics or thread-locals, it does not link as it is compiled now"
            ),
            Place::None,
            format!("export {name}=\"{wanted}\"; or in .cargo/config.toml, under [env]: {name} = \"{wanted}\""),
        ),
    }
}

fn emcc(look: &Look, report: &mut Report) {
    let in_sdk = variable("EMSDK").filter(|folder| !folder.is_empty());
    let in_sdk = in_sdk.map(|folder| std::path::PathBuf::from(folder).join("upstream").join("emscripten").join("emcc"));
    let found = in_sdk.and_then(|file| look.program(file)).or_else(|| look.program("emcc"));
    match found {
        Some(program) => {
            let said = look.version(&program, "--version").unwrap_or_else(|| "does not say its version".to_owned());
            report.fact("emcc", format!("{said}, {}", program.display()), Place::None);
        }
        None => report.add(
            Level::Error,
            "emcc-missing",
            "emcc, which links for Emscripten, is neither in EMSDK nor on PATH",
            Place::None,
            "install the Emscripten SDK, then in the same shell: source /path/to/emsdk/emsdk_env.sh",
        ),
    }
}
