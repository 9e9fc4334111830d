//! Links of small objects, as many as one likes.

use super::bound;
use super::measure::{Bound, Row};
use super::support::archive::Archive;
use super::support::{FLAVOR, NoCore, THREADED, Tool, objects, read, temp_folder};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// One source for all objects. The names of its symbols are replaced in the compiled object by others of the same length.
const SOURCE: &str = r#"
static mut SHARED: i32 = 7;
#[thread_local] static mut LOCAL: i32 = 5;
#[unsafe(no_mangle)] pub extern "C" fn function_00000(by: i32) -> i32 {
    unsafe { LOCAL = LOCAL + by; atomic_add(&raw mut SHARED, LOCAL) }
}
"#;

/// The same without anything that asks for threads.
const PLAIN: &str = r#"
static mut SHARED: i32 = 7;
#[unsafe(no_mangle)] pub extern "C" fn function_00000(by: i32) -> i32 { unsafe { SHARED = SHARED + by; SHARED } }
"#;

const NAME: &[u8] = b"function_00000";

/// So many objects on the command line, all of them kept.
pub fn objects(count: usize, threaded: bool) -> Result<Row, String> {
    let guard = temp_folder();
    let object = read(if threaded { compiled(SOURCE, true) } else { compiled(PLAIN, false) }.object());
    let mut words: Vec<OsString> = FLAVOR.map(OsString::from).into();
    words.push("--no-gc-sections".into());
    for number in 0..count {
        let name = format!("o{number:05}.sample.rcgu.o");
        fs::write(guard.path().join(&name), numbered(&object, number)).map_err(|error| error.to_string())?;
        words.push(name.into());
    }
    Ok(row(words, bound(threaded), threaded, guard))
}

/// So many objects with 16 MiB of data each: the linker keeps all of it, or that of one alone.
pub fn large(count: usize, kept: bool, threaded: bool) -> Result<Row, String> {
    let guard = temp_folder();
    let source = format!(
        "{}static DATA: [i64; 2097152] = [0x0123456789abcdef; 2097152];\n\
         #[unsafe(no_mangle)] pub extern \"C\" fn contents_00000() -> *const [i64; 2097152] {{ &raw const DATA }}\n",
        if threaded { SOURCE } else { PLAIN }
    );
    let object = read(compiled(&source, threaded).object());
    let mut words: Vec<OsString> = FLAVOR.map(OsString::from).into();
    words.push(if kept { "--no-gc-sections" } else { "--export=contents_00000" }.into());
    for number in 0..count {
        let name = format!("o{number:05}.sample.rcgu.o");
        let object = renamed(&numbered(&object, number), b"contents_00000", format!("contents_{number:05}").as_bytes());
        fs::write(guard.path().join(&name), object).map_err(|error| error.to_string())?;
        words.push(name.into());
    }
    Ok(row(words, bound(threaded), threaded, guard))
}

/// One object on the command line, and so many in an archive, of which it needs none.
pub fn archive(count: usize) -> Result<Row, String> {
    let guard = temp_folder();
    let object = read(compiled(PLAIN, false).object());
    let mut archive = Archive::new();
    for number in 1..=count {
        let symbol = format!("function_{number:05}");
        archive = archive.member(&format!("o{number:05}.sample.rcgu.o"), &numbered(&object, number), &[&symbol]);
    }
    archive.write(guard.path().join("libmany.rlib"));
    fs::write(guard.path().join("o.sample.rcgu.o"), &object).map_err(|error| error.to_string())?;
    let words = FLAVOR.into_iter().chain(["--export=function_00000", "o.sample.rcgu.o", "libmany.rlib"]);
    Ok(row(words.map(OsString::from).collect(), Bound::PassedThroughArchives, false, guard))
}

/// One object of bitcode, which does not say whether it is threaded.
pub fn bitcode(threaded: bool) -> Result<Row, String> {
    let guard = temp_folder();
    let (bitcode, export) = match threaded {
        true => (objects::atomic_bitcode(), "--export=add_shared"),
        false => (objects::neutral_bitcode(), "--export=neutral"),
    };
    fs::copy(bitcode, guard.path().join("o.sample.rcgu.o")).map_err(|error| error.to_string())?;
    let words = FLAVOR.into_iter().chain([export, "o.sample.rcgu.o"]);
    Ok(row(words.map(OsString::from).collect(), Bound::Undecided, threaded, guard))
}

fn row(words: Vec<OsString>, bound: Bound, threaded: bool, guard: tempfile::TempDir) -> Row {
    let linker = Tool::RustLld.path();
    let path = vec![linker.parent().map(PathBuf::from).unwrap_or_default()];
    let (first, last) = if threaded { by_hand() } else { (Vec::new(), Vec::new()) };
    Row { bound, linker, path, folder: guard.path().to_owned(), words, first, last, threaded, guard: Some(guard) }
}

/// What the shim adds: the maximum first, the rest last.
pub fn by_hand() -> (Vec<OsString>, Vec<OsString>) {
    let (first, last): (Vec<&str>, Vec<&str>) = THREADED.into_iter().partition(|flag| flag.starts_with("--max-memory"));
    let word = |flag: &str| OsString::from(flag.replace("--export=", "--export-if-defined="));
    (first.into_iter().map(word).collect(), last.into_iter().map(word).collect())
}

fn compiled(source: &str, threaded: bool) -> NoCore {
    let sample = NoCore::new(source).name("bench");
    if threaded { sample.threaded() } else { sample }
}

/// The object under another number.
fn numbered(object: &[u8], number: usize) -> Vec<u8> {
    renamed(object, NAME, format!("function_{number:05}").as_bytes())
}

/// Another name of the same length, wherever the first one stands.
fn renamed(object: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut object = object.to_vec();
    let places: Vec<usize> = object.windows(old.len()).enumerate().filter(|(_, at)| *at == old).map(|(at, _)| at).collect();
    for at in places {
        object[at..at + old.len()].copy_from_slice(new);
    }
    object
}
