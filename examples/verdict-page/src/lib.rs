//! One judgement of one file, for a host that has only numbers to hand over.
//!
//! The host asks for room with [`name`] and [`file`], writes there, calls [`judge`], and reads the texts. A host makes a new instance
//! for each file, so nothing is ever freed.

use std::cell::RefCell;
use wasm_threads::picture::{File, json};

#[derive(Default)]
struct Desk {
    name: Vec<u8>,
    file: Vec<u8>,
    report: String,
    picture: String,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// Room for the file's name, in UTF-8; null where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn name(length: usize) -> *mut u8 {
    DESK.with_borrow_mut(|desk| room(&mut desk.name, length))
}

/// Room for the file itself; null where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn file(length: usize) -> *mut u8 {
    DESK.with_borrow_mut(|desk| room(&mut desk.file, length))
}

fn room(buffer: &mut Vec<u8>, length: usize) -> *mut u8 {
    if buffer.try_reserve_exact(length).is_err() {
        return std::ptr::null_mut();
    }
    buffer.resize(length, 0);
    buffer.as_mut_ptr()
}

/// Reads what was written there. 1: the report is that of `cargo wasm-threads inspect --format json`. 0: the file cannot be read, and
/// the report is the finding that says why.
#[unsafe(no_mangle)]
pub extern "C" fn judge() -> u32 {
    DESK.with_borrow_mut(|desk| {
        let name = String::from_utf8_lossy(&desk.name);
        match File::read(&name, &desk.file[..]) {
            Ok(read) => {
                desk.report = read.json();
                desk.picture = read.svg().unwrap_or_default();
                1
            }
            Err(unreadable) => {
                desk.report = json::finding(&unreadable.finding(&name)).lines();
                0
            }
        }
    })
}

/// Where the report begins.
#[unsafe(no_mangle)]
pub extern "C" fn report() -> *const u8 {
    DESK.with_borrow(|desk| desk.report.as_ptr())
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn report_length() -> usize {
    DESK.with_borrow(|desk| desk.report.len())
}

/// Where the picture begins, an SVG.
#[unsafe(no_mangle)]
pub extern "C" fn picture() -> *const u8 {
    DESK.with_borrow(|desk| desk.picture.as_ptr())
}

/// How many bytes it has. None: the module has no memory.
#[unsafe(no_mangle)]
pub extern "C" fn picture_length() -> usize {
    DESK.with_borrow(|desk| desk.picture.len())
}
