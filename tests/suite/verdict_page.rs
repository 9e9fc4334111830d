//! The example `verdict-page` in real browsers: what it says of a file is what the programs say of it.

use crate::contract::encoded::{Sample, Thing};
use crate::contract::hostile::append_custom;
use crate::support::browser::{CHROMIUM, FIREFOX};
use crate::support::link::cargo_wasm_threads;
use crate::support::{Browser, Headers, Place, Project, Run, Suite, Tool, objects, read, temp_folder};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const BUILD: &[Tool] = &[Tool::RustcWeb, Tool::WasmLd(22), Tool::Node, Tool::RustLld, Tool::Rustc];

pub fn tests(suite: &mut Suite) {
    suite.test("in_chromium", &[BUILD, CHROMIUM].concat(), || says_what_the_programs_say(Tool::Chromium));
    suite.test("in_firefox", &[BUILD, FIREFOX].concat(), || says_what_the_programs_say(Tool::Firefox));
    suite.test("a_judge_that_fails", &[BUILD, CHROMIUM, &[Tool::Wabt]].concat(), a_judge_that_fails);
    suite.test("flipped", &[BUILD, CHROMIUM].concat(), flipped);
}

/// The page, made by what its README says; the module is built once.
struct Page {
    folder: tempfile::TempDir,
}

impl Page {
    fn new() -> Page {
        static MODULE: Mutex<Option<Vec<u8>>> = Mutex::new(None);
        let mut module = MODULE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let module = module.get_or_insert_with(|| {
            let example = Project::new("examples/verdict-page", "verdict-page", Tool::WasmLd(22).path());
            // What rustup's toolchains bring for this target, Debian's has to compile.
            example.build(&["--release", "-Zbuild-std=panic_abort,std"]).expect_success();
            read(example.module("release", "verdict_page"))
        });
        Page::with(module)
    }

    /// The page with a judge of one's own.
    fn with(module: &[u8]) -> Page {
        let folder = temp_folder();
        let example = crate::support::repository().join("examples/verdict-page");
        fs::create_dir(folder.path().join("page")).expect("a folder");
        for part in ["build.mjs", "page/index.html", "page/style.css", "page/page.js", "page/worker.js"] {
            fs::copy(example.join(part), folder.path().join(part)).expect("a copy");
        }
        fs::write(folder.path().join("judge.wasm"), module).expect("a file");
        let build = Run::new(Tool::Node.path()).words(["build.mjs", "judge.wasm"]).folder(folder.path());
        build.run().expect_success();
        Page { folder }
    }

    fn address(&self) -> String {
        format!("file://{}", self.folder.path().join("verdict.html").display())
    }
}

/// All cards, as soon as each of them has an answer.
const CARDS: &str = "
    !document.querySelector('.waiting') && [...document.querySelectorAll('.card')].map((card) => ({
      name: card.querySelector('h2').firstChild.textContent,
      verdict: card.querySelector('.verdict')?.firstChild.textContent,
      more: card.querySelector('.verdict small')?.textContent,
      findings: [...card.querySelectorAll('.finding')].map((finding) => ({
        id: finding.querySelector('h4 code').textContent,
        what: finding.querySelector('.what').textContent,
        ...Object.fromEntries([...finding.querySelectorAll('dd')].map((row) => [row.className, row.textContent])),
      })),
      drawn: card.querySelector('.picture')?.shadowRoot.querySelectorAll('svg .part').length,
      saved: Object.fromEntries([...card.querySelectorAll('.saves a')].map(({ download, href }) =>
        [/[^.]*$/.exec(download)[0], decodeURIComponent(href.slice(href.indexOf(',') + 1))])),
    }))";

fn cards(browser: &mut Browser) -> Vec<Value> {
    browser.wait(CARDS).as_array().expect("a list").clone()
}

fn program() -> Run {
    Run::new(cargo_wasm_threads())
}

/// A card says what `check` says, and has the picture and the facts of `inspect`.
#[track_caller]
fn assert_same(card: &Value, file: &Path) {
    // As the page knows it: by its name alone.
    let folder = file.parent().expect("a folder");
    let check = program().words(["check", "--format", "json"]).word(file.file_name().expect("a name")).folder(folder).run();
    let checked: Value = serde_json::from_str(&check.stdout_text()).expect("JSON");
    let checked = &checked["files"][0];
    let modules = checked["modules"].as_array().expect("modules");
    let findings = |of: &Value| of["findings"].as_array().expect("findings").clone();
    let all = findings(checked).into_iter().chain(modules.iter().flat_map(findings));
    let rows = all.map(|finding| {
        let text = |name: &str| finding[name].as_str().expect("a text");
        let mut row = json!({ "id": format!("{}[{}]", text("level"), text("rule")), "what": text("what") });
        for name in ["found", "wanted", "why", "fix"].into_iter().filter(|name| !text(name).is_empty()) {
            row[name] = text(name).into();
        }
        row
    });
    assert_eq!(card["findings"], rows.collect::<Value>(), "{}", file.display());
    let verdict = match check.code() {
        Some(0) => "Threaded",
        Some(1) => "Not threaded",
        _ => "It cannot be read",
    };
    assert_eq!(card["verdict"], verdict, "{}", file.display());

    let picture = temp_folder();
    let picture = picture.path().join("picture.svg");
    let facts = program().words(["inspect", "--format", "json"]).word(file).run();
    assert_eq!(facts.code() == Some(2), check.code() == Some(2), "{facts:?}");
    if facts.code() == Some(2) {
        assert_eq!((&card["saved"], &card["drawn"]), (&json!({}), &Value::Null));
        return;
    }
    assert_eq!(card["saved"]["json"], facts.stdout_text(), "{}", file.display());
    let drawn = program().words(["inspect", "--svg"]).word(&picture).word(file).run().success();
    let drawn = drawn.then(|| String::from_utf8(read(&picture)).expect("text"));
    assert_eq!(card["saved"]["svg"].as_str(), drawn.as_deref(), "{}", file.display());
    assert_eq!(card["drawn"].as_u64().is_some_and(|parts| parts > 0), drawn.is_some(), "{card}");
    let facts: Value = serde_json::from_str(&facts.stdout_text()).expect("JSON");
    let facts = facts["modules"].as_array().expect("modules");
    let kind = |module: &Value| (module["abi"].clone(), module["stage"].clone());
    assert_eq!(facts.iter().map(kind).collect::<Vec<_>>(), modules.iter().map(kind).collect::<Vec<_>>());
}

/// A name that would be an element, and one that would turn the line around, where a page took them for more than text.
const NAMES: [&str; 2] = ["<img src=x onerror=document.title=1>\"'&.wasm", "a\u{202e}b.wasm"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let place = Place::new(Tool::RustLld);
    place.put("atomic.o", objects::atomic());
    let line = "atomic.o --export=add_shared --export=add_local";
    place.link(line).threaded(1);
    let good = read(place.path("out.wasm"));
    let (_, stale) = place.bare(line);
    let mut hostile = Sample::new();
    hostile.import = ("<script>document.title=1</script>", "</text><img src=x onerror=document.title=1>");
    let mut hostile = hostile.bytes();
    append_custom(&mut hostile, "wasm-threads", b"wasm-threads: required by <b onclick=x>\"&\x1b\n");
    // After wasm-bindgen, as far as its exports show it; and stripped, in a component.
    let mut bindgen = Sample::new();
    for name in ["__wasm_init_tls", "__tls_size", "__tls_align", "__heap_base"] {
        bindgen.export(name, None);
    }
    bindgen.exports.push(("__wbindgen_thread_destroy", Thing::Function(2)));
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    let mut stripped = Sample::new();
    stripped.features = None;
    for bytes in [stripped.bytes(), Sample::new().bytes()] {
        let length = u32::try_from(bytes.len()).expect("a small module");
        component.push(1);
        component.extend((0..5).map(|at| (length >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 }));
        component.extend(bytes);
    }
    let bindgen = bindgen.bytes();
    let all: [(&str, &[u8]); 9] = [
        ("good.wasm", &good),
        ("stale.wasm", &stale.expect("a module")),
        ("broken.wasm", &good[..good.len() / 2]),
        ("none.wasm", b""),
        (NAMES[0], &hostile),
        (NAMES[1], &good),
        ("app_bg.wasm", &bindgen),
        ("component.wasm", &component),
        ("notes.txt", b"not a module"),
    ];
    let write = |(name, bytes): (&str, &[u8])| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    all.map(write).to_vec()
}

fn says_what_the_programs_say(tool: Tool) {
    let page = Page::new();
    let folder = temp_folder();
    let files = files(folder.path());
    let mut browser = Browser::start(tool);
    browser.look(1000, 900, false);
    browser.open(&page.address());
    browser.drop_files("#drop", &files);
    let all = cards(&mut browser);
    assert_eq!(all.len(), files.len());
    let names: Vec<&str> = all.iter().filter_map(|card| card["name"].as_str()).collect();
    assert_eq!(names[..4], ["good.wasm", "stale.wasm", "broken.wasm", "none.wasm"]);
    assert_eq!(names[4..], [NAMES[0], "a\\u{202e}b.wasm", "app_bg.wasm", "component.wasm", "notes.txt"]);
    for (card, file) in all.iter().zip(&files) {
        assert_same(card, file);
    }
    assert_eq!((&all[0]["verdict"], &all[1]["verdict"]), (&json!("Threaded"), &json!("Not threaded")));
    let rules: Vec<&Value> = all[1]["findings"].as_array().expect("findings").iter().map(|finding| &finding["id"]).collect();
    assert_eq!(rules, ["error[memory-not-shared]", "error[active-data-segment]"]);
    browser.screenshot(&format!("verdict-page-{tool:?}"));

    // A file that is chosen, above the others; and the page's own module.
    browser.choose_files("#files", &files[..1]);
    let again = cards(&mut browser);
    assert_eq!((again.len(), &again[0]), (files.len() + 1, &all[0]));
    browser.click("#own");
    let own = cards(&mut browser);
    assert_eq!((own.len(), &own[0]["name"]), (files.len() + 2, &json!("verdict_page.wasm")));
    let module = page.folder.path().join("verdict_page.wasm");
    fs::rename(page.folder.path().join("judge.wasm"), &module).expect("the name by which the page has it");
    assert_same(&own[0], &module);

    // No name became more than text, and nothing was asked for or said.
    assert_eq!(browser.evaluate("document.title"), "Is it threaded?");
    let elements = "document.querySelectorAll('img, iframe, object, link:not([rel=icon]), [onerror], [onclick]').length";
    assert_eq!(browser.evaluate(elements), 0);
    assert_eq!(browser.said(), [""; 0]);
    let outside: Vec<String> = browser.requests().into_iter().filter(|request| request.contains("//127")).collect();
    assert_eq!(outside, [""; 0]);
    // And could not be, by the page's own policy.
    let server = browser.serve(page.folder.path(), Headers::None);
    let fetched = browser.evaluate(&format!("fetch({server:?}).then(() => 'fetched', () => 'refused')"));
    assert_eq!(fetched, "refused");
    let image = format!(
        "new Promise((done) => {{ const image = new Image(); image.onload = () => done('loaded'); \
         image.onerror = () => done('refused'); image.src = {server:?} + 'picture.svg'; }})"
    );
    fs::write(page.folder.path().join("picture.svg"), all[0]["saved"]["svg"].as_str().expect("a picture")).expect("a file");
    assert_eq!(browser.evaluate(&image), "refused");
}

/// A fault of ours costs one card, and not the page.
fn a_judge_that_fails() {
    let folder = temp_folder();
    let text = folder.path().join("judge.wat");
    // It takes names and files of less than a page, and then stops.
    let judge = r#"(module (memory (export "memory") 2)
        (func (export "name") (param i32) (result i32) (i32.const 16))
        (func (export "file") (param $length i32) (result i32)
          (if (result i32) (i32.gt_u (local.get $length) (i32.const 65536)) (then (i32.const 0)) (else (i32.const 65536))))
        (func (export "judge") (result i32) unreachable))"#;
    fs::write(&text, judge).expect("a file");
    let module = folder.path().join("judge.wasm");
    let wat2wasm = Tool::Wabt.path().with_file_name("wat2wasm");
    Run::new(wat2wasm).word(&text).word("-o").word(&module).run().expect_success();
    let page = Page::with(&read(&module));

    let large = folder.path().join("large.wasm");
    fs::write(&large, vec![0; 65_537]).expect("a file");
    let mut browser = Browser::start(Tool::Chromium);
    browser.open(&page.address());
    browser.drop_files("#drop", &[&module, &large, &module]);
    let all = cards(&mut browser);
    let more: Vec<&str> = all.iter().filter_map(|card| card["more"].as_str()).collect();
    let failed = "The judge itself failed, which is a fault of this page: unreachable";
    assert_eq!(more, [failed, "A page has no room for 65537 bytes", failed]);
    assert!(all.iter().all(|card| card["verdict"] == "It was not judged"), "{all:?}");
}

/// Files with a bit of theirs turned: judged or refused as the program does it, and the page goes on.
fn flipped() {
    let page = Page::new();
    let folder = temp_folder();
    let mut bytes = Sample::new().bytes();
    let step = bytes.len().div_ceil(24);
    let mut files = Vec::new();
    for at in (8..bytes.len()).step_by(step) {
        bytes[at] ^= 1 << (at % 8);
        let file = folder.path().join(format!("{at}.wasm"));
        fs::write(&file, &bytes).expect("a file");
        files.push(file);
        bytes[at] ^= 1 << (at % 8);
    }
    let mut browser = Browser::start(Tool::Chromium);
    browser.open(&page.address());
    browser.drop_files("#drop", &files);
    let all = cards(&mut browser);
    assert_eq!(all.len(), files.len());
    for (card, file) in all.iter().zip(&files) {
        assert_same(card, file);
    }
    let refused = all.iter().filter(|card| card["verdict"] == "It cannot be read").count();
    assert!(refused > 0 && refused < all.len(), "of both kinds: {refused}");
    assert_eq!(browser.said(), [""; 0]);
}
