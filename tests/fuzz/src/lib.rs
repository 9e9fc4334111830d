//! What all targets share: how much memory an input may cost, and what may never be printed.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What the windows over a file and the library's tables take, whatever the input.
pub const ALWAYS: usize = 64 * 1024;

/// What reading takes for each byte of a file.
pub const TWICE: usize = 2;

/// Runs `read` and holds the memory it needed at its peak to `times` the `size` of its input: what a file says of how many things
/// are in it must never be believed.
#[track_caller]
pub fn within<T>(times: usize, size: impl FnOnce() -> usize, read: impl FnOnce() -> T) -> T {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let result = read();
    let took = ALLOCATOR.peak_usage().saturating_sub(before);
    let size = size();
    assert!(took <= ALWAYS + times * size, "{took} bytes of memory for an input of {size}");
    result
}

/// Holds a text for people to what a terminal and a build log may be given: no control character, nothing that turns the direction
/// of writing, and no line that a log's reader takes for a command.
#[track_caller]
pub fn assert_harmless(text: &str) {
    let turns = |character| matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let bad = text.chars().find(|character| (character.is_control() && *character != '\n') || turns(*character));
    assert_eq!(bad, None, "{text:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text:?}");
    assert!(!text.contains("##["), "{text:?}");
}
