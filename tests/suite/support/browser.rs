//! A real browser, Chromium or Firefox, that opens pages and does what a person would do on them.

use super::{Run, Tool, read, repository};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What a test with Chromium needs.
pub const CHROMIUM: &[Tool] = &[Tool::Chromium, Tool::Puppeteer, Tool::NewNode];
/// What a test with Firefox needs.
pub const FIREFOX: &[Tool] = &[Tool::Firefox, Tool::Puppeteer, Tool::NewNode];

/// No page of the tests takes so long for one thing, on the slowest machine.
const LIMIT: Duration = Duration::from_secs(180);

/// Whether a page comes with the headers that make it cross-origin isolated, without which no memory is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    Isolated,
    None,
}

/// A browser with one page. It closes with the value.
pub struct Browser {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
    errors: Receiver<String>,
    folder: tempfile::TempDir,
}

/// The picture on a canvas: rows from above, four bytes for each pixel (red, green, blue, opacity).
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    pub bytes: Vec<u8>,
}

impl Pixels {
    pub fn at(&self, x: usize, y: usize) -> [u8; 4] {
        let at = 4 * (y * self.width + x);
        self.bytes[at..at + 4].try_into().expect("four bytes")
    }
}

impl Browser {
    /// Starts [`Tool::Chromium`] or [`Tool::Firefox`], without a window.
    #[track_caller]
    pub fn start(tool: Tool) -> Self {
        let kind = match tool {
            Tool::Chromium => "chromium",
            Tool::Firefox => "firefox",
            other => panic!("{} is no browser", other.name()),
        };
        // Its profile is there, and goes away with it however it ends.
        let folder = super::temp_folder();
        let run = Run::new(Tool::NewNode.path())
            .word(repository().join("tests/fixtures/host/browser.mjs"))
            .word(Tool::Puppeteer.path())
            .word(kind)
            .word(tool.path())
            // Without it, Chromium finds no file with a name beyond ASCII.
            .env("LC_ALL", "C.UTF-8")
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path());
        let mut child = run.command().stdin(std::process::Stdio::piped()).spawn().expect("node starts");
        let orders = child.stdin.take();
        let answers = lines(child.stdout.take().expect("stdout is piped"));
        let errors = lines(child.stderr.take().expect("stderr is piped"));
        Browser { child, orders, answers, errors, folder }
    }

    /// Its name and version.
    #[track_caller]
    pub fn version(&mut self) -> String {
        text(self.order(json!({ "do": "version" })))
    }

    /// Serves a folder's files until the browser closes; gives the address, which ends with `/`.
    #[track_caller]
    pub fn serve(&mut self, folder: impl AsRef<Path>, headers: Headers) -> String {
        text(self.order(json!({ "do": "serve", "folder": folder.as_ref(), "isolated": headers == Headers::Isolated })))
    }

    /// Opens an address and waits until it is loaded. What was said and asked for before is forgotten.
    #[track_caller]
    pub fn open(&mut self, address: &str) {
        self.order(json!({ "do": "open", "url": address }));
    }

    /// The value of a JavaScript expression in the page; that of its promise, where it is one.
    #[track_caller]
    pub fn evaluate(&mut self, code: &str) -> Value {
        self.order(json!({ "do": "evaluate", "code": code }))
    }

    /// Waits until the expression is true in JavaScript's sense, and gives its value.
    #[track_caller]
    pub fn wait(&mut self, code: &str) -> Value {
        self.wait_for(code, LIMIT)
    }

    /// The same with a limit of one's own.
    #[track_caller]
    pub fn wait_for(&mut self, code: &str, limit: Duration) -> Value {
        self.order_within(json!({ "do": "wait", "code": code, "seconds": limit.as_secs_f64() }), limit + LIMIT)
    }

    /// The text of the first element that the selector finds, as a person sees it.
    #[track_caller]
    pub fn text(&mut self, selector: &str) -> String {
        text(self.evaluate(&format!("document.querySelector({}).innerText", json!(selector))))
    }

    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.order(json!({ "do": "click", "selector": selector }));
    }

    /// Drags files over an element and drops them there.
    #[track_caller]
    pub fn drop_files(&mut self, selector: &str, files: &[impl AsRef<Path>]) {
        let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
        self.order(json!({ "do": "drop", "selector": selector, "files": files }));
    }

    /// Chooses files in an `<input type="file">`.
    #[track_caller]
    pub fn choose_files(&mut self, selector: &str, files: &[impl AsRef<Path>]) {
        let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
        self.order(json!({ "do": "choose", "selector": selector, "files": files }));
    }

    /// What is on a canvas.
    #[track_caller]
    pub fn pixels(&mut self, selector: &str) -> Pixels {
        let file = self.folder.path().join("pixels");
        let size = self.order(json!({ "do": "pixels", "selector": selector, "file": file }));
        let number = |name: &str| size[name].as_u64().expect("a canvas has a size") as usize;
        Pixels { width: number("width"), height: number("height"), bytes: read(&file) }
    }

    /// The size of the page from now on, in CSS pixels, and whether the person likes it dark (which only Chromium can be told).
    #[track_caller]
    pub fn look(&mut self, width: u32, height: u32, dark: bool) {
        self.order(json!({ "do": "look", "width": width, "height": height, "dark": dark }));
    }

    /// The whole page as a PNG, in the folder `screenshots` of cargo's folder for tests.
    #[track_caller]
    pub fn screenshot(&mut self, name: &str) -> PathBuf {
        let file = super::lasting_folder("screenshots").join(name).with_extension("png");
        self.order(json!({ "do": "screenshot", "file": file }));
        file
    }

    /// What the page said since it was opened: its console, errors that nothing caught, requests that failed.
    #[track_caller]
    pub fn said(&mut self) -> Vec<String> {
        texts(self.order(json!({ "do": "said" })))
    }

    /// What the page asked for since it was opened, as `GET ADDRESS`.
    #[track_caller]
    pub fn requests(&mut self) -> Vec<String> {
        texts(self.order(json!({ "do": "requests" })))
    }

    #[track_caller]
    fn order(&mut self, order: Value) -> Value {
        self.order_within(order, LIMIT)
    }

    #[track_caller]
    fn order_within(&mut self, order: Value, limit: Duration) -> Value {
        let line = format!("{order}\n");
        // Where it has ended, the answer that does not come says why.
        let _ = self.orders.as_mut().expect("it is open").write_all(line.as_bytes());
        let answer = match self.answers.recv_timeout(limit) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => panic!("no answer after {limit:?}: {line}{}", self.stderr()),
            Err(RecvTimeoutError::Disconnected) => panic!("the browser ended: {line}{}", self.stderr()),
        };
        let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        if let Some(error) = answer["error"].as_str() {
            panic!("{line}{error}");
        }
        answer["value"].take()
    }

    fn stderr(&self) -> String {
        thread::sleep(Duration::from_millis(200));
        self.errors.try_iter().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its orders.
        drop(self.orders.take());
        let end = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > end {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn text(value: Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text is expected: {value}")).to_owned()
}

fn texts(value: Value) -> Vec<String> {
    value.as_array().expect("a list").iter().cloned().map(text).collect()
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
