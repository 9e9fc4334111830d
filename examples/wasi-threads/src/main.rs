//! Three threads of the standard library: one counter for all of them, and one for each.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

static TOTAL: AtomicU32 = AtomicU32::new(0);
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static MINE: Cell<u32> = const { Cell::new(0) };
}

fn count(name: &str, times: u32) -> u32 {
    for _ in 0..times {
        TOTAL.fetch_add(1, Ordering::Relaxed);
        MINE.set(MINE.get() + 1);
    }
    NAMES.lock().unwrap().push(name.to_owned());
    MINE.get()
}

fn main() {
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = [("one", 1000), ("two", 2000)]
        .into_iter()
        .map(|(name, times)| {
            let sender = sender.clone();
            thread::spawn(move || sender.send((name, count(name, times))).unwrap())
        })
        .collect();
    count("main", 1);
    for thread in threads {
        thread.join().unwrap();
    }
    drop(sender);
    let mut counted: Vec<_> = receiver.iter().collect();
    counted.sort_unstable();
    println!("main counted {}, the others {counted:?}: {} in all", MINE.get(), TOTAL.load(Ordering::Relaxed));
    let names = NAMES.lock().unwrap().len();
    assert_eq!(names, 3, "every thread left its name");
}
