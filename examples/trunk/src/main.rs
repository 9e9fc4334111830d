//! A picture that moves: workers compute it row by row, the page's frame loop shows it, and the loop never waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, ImageData, Worker, WorkerOptions, WorkerType};

const WIDTH: usize = 320;
const HEIGHT: usize = 200;
const MOST_WORKERS: usize = 8;

/// What is to be done: the number of a picture, and a row of it.
static ROWS: Mutex<VecDeque<(u32, usize)>> = Mutex::new(VecDeque::new());
static MORE: Condvar = Condvar::new();
/// The picture, and how many of its rows are done.
static PICTURE: [AtomicU32; WIDTH * HEIGHT] = [const { AtomicU32::new(0) }; WIDTH * HEIGHT];
static DONE: AtomicUsize = AtomicUsize::new(HEIGHT);
/// The rows that each worker has done.
static ROWS_OF: [AtomicU32; MOST_WORKERS] = [const { AtomicU32::new(0) }; MOST_WORKERS];

/// What a worker does: a worker may wait.
#[wasm_bindgen]
pub fn work(number: usize) {
    loop {
        let mut rows = ROWS.lock().unwrap();
        let (picture, y) = loop {
            match rows.pop_front() {
                Some(row) => break row,
                None => rows = MORE.wait(rows).unwrap(),
            }
        };
        drop(rows);
        for x in 0..WIDTH {
            PICTURE[y * WIDTH + x].store(colour(picture as f32 / 60.0, x as f32, y as f32), Ordering::Relaxed);
        }
        ROWS_OF[number].fetch_add(1, Ordering::Relaxed);
        DONE.fetch_add(1, Ordering::Release);
    }
}

/// Waves that meet, as red, green, blue and opacity.
fn colour(seconds: f32, x: f32, y: f32) -> u32 {
    let waves = (x / 31.0 + seconds).sin() + (y / 23.0 - seconds).cos() + ((x + y) / 47.0).sin() + (x.hypot(y) / 19.0 + seconds).sin();
    let part = |shift: f32| (127.5 + 127.5 * (waves + shift).sin()) as u8;
    u32::from_le_bytes([part(0.0), part(2.1), part(4.2), 255])
}

/// The page's side.
struct Page {
    context: CanvasRenderingContext2d,
    status: Element,
    workers: usize,
    pictures: u32,
}

impl Page {
    /// Called for every frame: shows the picture that is done, orders the next one, and never waits. Where the lock is taken, the
    /// next frame is soon enough.
    fn frame(&mut self) {
        if DONE.load(Ordering::Acquire) < HEIGHT {
            return;
        }
        let Ok(mut rows) = ROWS.try_lock() else { return };
        if self.pictures > 0 {
            self.show();
        }
        DONE.store(0, Ordering::Relaxed);
        rows.extend((0..HEIGHT).map(|row| (self.pictures, row)));
        drop(rows);
        MORE.notify_all();
        self.pictures += 1;
    }

    fn show(&self) {
        let pixels: Vec<u8> = PICTURE.iter().flat_map(|pixel| pixel.load(Ordering::Relaxed).to_le_bytes()).collect();
        // A copy in a memory of its own: what draws, decodes or sends takes no view of a shared one.
        let copy = js_sys::Uint8ClampedArray::new_with_length(pixels.len() as u32);
        copy.copy_from(&pixels);
        let image = ImageData::new_with_js_u8_clamped_array(&copy, WIDTH as u32).unwrap();
        self.context.put_image_data(&image, 0.0, 0.0).unwrap();
        let rows: Vec<String> = ROWS_OF[..self.workers].iter().map(|rows| rows.load(Ordering::Relaxed).to_string()).collect();
        self.status.set_text_content(Some(&format!("{} pictures, rows by each worker: {}", self.pictures, rows.join(" + "))));
    }
}

fn frame_after_frame(mut page: Page) {
    let frame = Closure::once_into_js(move || {
        page.frame();
        frame_after_frame(page);
    });
    web_sys::window().unwrap().request_animation_frame(frame.unchecked_ref()).unwrap();
}

/// Starts a worker that runs [`work`].
fn start_worker(number: usize) {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options("./worker.mjs", &options).unwrap();
    let set = |object: &js_sys::Object, name: &str, value: JsValue| js_sys::Reflect::set(object, &name.into(), &value).unwrap();
    let thread = js_sys::Object::new();
    set(&thread, "module_or_path", wasm_bindgen::module());
    set(&thread, "memory", wasm_bindgen::memory());
    let message = js_sys::Object::new();
    set(&message, "thread", thread.into());
    set(&message, "number", (number as u32).into());
    worker.post_message(&message).unwrap();
}

fn main() {
    let window = web_sys::window().unwrap();
    let document = window.document().unwrap();
    let status = document.query_selector("#status").unwrap().unwrap();
    let isolated = js_sys::Reflect::get(&window, &"crossOriginIsolated".into());
    if isolated != Ok(JsValue::TRUE) {
        status.set_text_content(Some("No threads in this page: it was served without COOP and COEP."));
        return;
    }
    let canvas: HtmlCanvasElement = document.query_selector("canvas").unwrap().unwrap().unchecked_into();
    let context = canvas.get_context("2d").unwrap().unwrap().unchecked_into();
    let workers = (window.navigator().hardware_concurrency() as usize).clamp(2, MOST_WORKERS);
    (0..workers).for_each(start_worker);
    frame_after_frame(Page { context, status, workers, pictures: 0 });
}
