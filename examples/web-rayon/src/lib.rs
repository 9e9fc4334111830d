//! Paints a picture tile by tile, on one thread or on all, into memory that the page can look at meanwhile.

mod picture;

use picture::{HEIGHT, TILE, TILES, WIDTH};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use wasm_bindgen::prelude::*;

// With this the page starts the threads.
pub use wasm_bindgen_rayon::init_thread_pool;

/// The pixels, tile after tile.
static PIXELS: [AtomicU32; WIDTH * HEIGHT] = [const { AtomicU32::new(0) }; WIDTH * HEIGHT];
static RECORDS: [Record; TILES] = [const { Record::new() }; TILES];
/// When the run began, as the bits of a time of [`clock`].
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// Who painted a tile, and when: in microseconds after the run began. `end` is 0 until it is done.
#[repr(C)]
struct Record {
    thread: AtomicU32,
    begin: AtomicU32,
    end: AtomicU32,
}

impl Record {
    const fn new() -> Self {
        Record { thread: AtomicU32::new(0), begin: AtomicU32::new(0), end: AtomicU32::new(0) }
    }
}

/// What the page has to know to read the memory; addresses and sizes are in bytes.
#[wasm_bindgen]
pub struct Layout {
    pub width: usize,
    pub height: usize,
    pub tile: usize,
    pub tiles: usize,
    pub pixels: usize,
    pub records: usize,
}

#[wasm_bindgen]
pub fn layout() -> Layout {
    Layout {
        width: WIDTH,
        height: HEIGHT,
        tile: TILE,
        tiles: TILES,
        pixels: PIXELS.as_ptr() as usize,
        records: RECORDS.as_ptr() as usize,
    }
}

/// Forgets the picture, and starts the clock.
#[wasm_bindgen]
pub fn begin() {
    for record in &RECORDS {
        record.end.store(0, Ordering::Relaxed);
    }
    BEGAN.store(clock().to_bits(), Ordering::Relaxed);
}

/// Paints the whole picture on all threads.
#[wasm_bindgen(js_name = paintAll)]
pub fn paint_all() {
    (0..TILES).into_par_iter().for_each(paint_tile);
}

/// Paints one tile on the thread that asks for it.
#[wasm_bindgen(js_name = paintTile)]
pub fn paint_tile(tile: usize) {
    let record = &RECORDS[tile];
    // The threads of rayon count from 0; a thread that is none of them is 0 here.
    let thread = rayon::current_thread_index().map_or(0, |index| index + 1);
    record.thread.store(thread as u32, Ordering::Relaxed);
    record.begin.store(elapsed(), Ordering::Relaxed);
    let columns = WIDTH / TILE;
    let (left, top) = (tile % columns * TILE, tile / columns * TILE);
    for (at, pixel) in PIXELS[tile * TILE * TILE..][..TILE * TILE].iter().enumerate() {
        pixel.store(picture::pixel(left + at % TILE, top + at / TILE), Ordering::Relaxed);
    }
    // Who sees this sees the pixels too.
    record.end.store(elapsed().max(1), Ordering::Release);
}

fn elapsed() -> u32 {
    ((clock() - f64::from_bits(BEGAN.load(Ordering::Relaxed))) * 1000.0) as u32
}

/// Milliseconds. The clock of a worker begins with that worker; counted from where all of them do, it is the same in each.
fn clock() -> f64 {
    ORIGIN.with(|origin| *origin) + now()
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static ORIGIN: f64;
}
