//! The browsers that other tests open pages in do what they are told, and say what they see.

use crate::support::browser::{CHROMIUM, FIREFOX};
use crate::support::suite::caught;
use crate::support::{Browser, Headers, Suite, Tool, temp_folder};
use serde_json::json;
use std::fs;
use std::time::Duration;

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>A page</title>
<link rel="icon" href="data:,">
<p id="told">nothing</p>
<button onclick="tell('clicked')">Button</button>
<input type="file" multiple onchange="show(this.files)">
<canvas width="3" height="2"></canvas>
<script src="page.js"></script>
"#;

const SCRIPT: &str = r#"
const tell = (text) => (document.getElementById("told").textContent = text);
const show = async (files) =>
  tell((await Promise.all([...files].map(async (file) => `${file.name}: ${await file.text()}`))).join(", "));
document.body.ondragover = (event) => event.preventDefault();
document.body.ondrop = (event) => show(event.dataTransfer.files);
const context = document.querySelector("canvas").getContext("2d");
context.fillStyle = "rgb(1, 2, 3)";
context.fillRect(1, 0, 1, 2);
console.log("it has", "begun");
setTimeout(() => { throw new Error("out of nothing"); });
fetch("missing.txt");
"#;

pub fn tests(suite: &mut Suite) {
    suite.test("chromium_does_what_it_is_told", CHROMIUM, || does_what_it_is_told(Tool::Chromium));
    suite.test("firefox_does_what_it_is_told", FIREFOX, || does_what_it_is_told(Tool::Firefox));
    suite.test("what_does_not_become_true_is_told", CHROMIUM, what_does_not_become_true_is_told);
}

fn does_what_it_is_told(tool: Tool) {
    let folder = temp_folder();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        path
    };
    write("index.html", PAGE);
    write("page.js", SCRIPT);
    let files = [write("one.txt", "1"), write("tvö.txt", "2")];

    let mut browser = Browser::start(tool);
    let version = browser.version().to_lowercase();
    assert!(version.contains(if tool == Tool::Firefox { "firefox" } else { "chrom" }), "{version}");

    let isolated = browser.serve(folder.path(), Headers::Isolated);
    let plain = browser.serve(folder.path(), Headers::None);
    for (address, expected) in [(&plain, false), (&isolated, true)] {
        browser.open(address);
        assert_eq!(browser.evaluate("crossOriginIsolated"), expected);
    }

    assert_eq!(
        browser.evaluate("Promise.resolve({ number: 1.5, list: [null, 'ä'] })"),
        json!({ "number": 1.5, "list": [null, "ä"] })
    );
    assert_eq!(browser.text("#told"), "nothing");
    browser.click("button");
    assert_eq!(browser.text("#told"), "clicked");
    browser.drop_files("#told", &files);
    browser.wait("told.textContent === 'one.txt: 1, tvö.txt: 2'");
    browser.choose_files("input", &files[1..]);
    browser.wait_for("told.textContent === 'tvö.txt: 2'", Duration::from_secs(60));

    let pixels = browser.pixels("canvas");
    assert_eq!((pixels.width, pixels.height, pixels.bytes.len()), (3, 2, 24));
    assert_eq!([pixels.at(0, 0), pixels.at(1, 1), pixels.at(2, 1)], [[0; 4], [1, 2, 3, 255], [0; 4]]);

    let said = browser.said().join("\n");
    for part in ["log: it has begun", "uncaught: ", "out of nothing"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let requests = browser.requests();
    assert_eq!(requests, ["", "page.js", "missing.txt"].map(|name| format!("GET {isolated}{name}")), "{tool:?}");

    browser.look(320, 480, false);
    assert_eq!(browser.evaluate("innerWidth"), 320);
    let png = fs::read(browser.screenshot(&format!("browser-{tool:?}"))).expect("the screenshot");
    assert!(png.starts_with(b"\x89PNG"));
}

fn what_does_not_become_true_is_told() {
    let folder = temp_folder();
    fs::write(folder.path().join("index.html"), "<p>Words of the page<script>console.log('words of its console')</script>")
        .expect("a page");
    let mut browser = Browser::start(Tool::Chromium);
    let address = browser.serve(folder.path(), Headers::None);
    browser.open(&address);
    let said = caught(|| drop(browser.wait_for("document.title", Duration::from_secs(1)))).expect_err("it has no title");
    for part in ["not true after 1 s: document.title", "it is \"\"", "Words of the page", "log: words of its console"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let said = caught(|| drop(browser.evaluate("nothing.at.all"))).expect_err("there is no such thing");
    assert!(said.contains("nothing is not defined"), "{said}");
}
