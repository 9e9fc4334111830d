//! Threads as everywhere: spawned and joined, with a lock, a channel, a value of each thread's own, and a panic that comes back.

use std::cell::Cell;
use std::sync::{Mutex, mpsc};
use std::thread;

thread_local! {
    static OWN: Cell<u32> = const { Cell::new(1) };
}

fn main() {
    let total = Mutex::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for number in 0..4 {
            let (total, sender) = (&total, sender.clone());
            scope.spawn(move || {
                OWN.set(OWN.get() + number);
                *total.lock().unwrap() += OWN.get();
                sender.send(number).unwrap();
            });
        }
    });
    drop(sender);
    let mut numbers: Vec<u32> = receiver.iter().collect();
    numbers.sort_unstable();
    println!("four threads sent {numbers:?} and added up to {}; main's own is still {}", total.into_inner().unwrap(), OWN.get());

    let panicked = thread::spawn(|| panic!("as it should")).join();
    println!("a thread's panic came back: {}", panicked.unwrap_err().downcast_ref::<&str>().unwrap());
}
