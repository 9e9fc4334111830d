//! What emcc makes, at each level of optimization: told by its names, or by how it makes them short.

use super::checked;
use crate::support::{Place, Run, Suite, Tool};

pub fn tests(suite: &mut Suite) {
    suite.test("emscripten", &[Tool::Emcc], emscripten);
}

const MAIN: &str = "\
#include <pthread.h>
#include <stdio.h>
static _Thread_local int local = 3;
static int shared = 4;
static void *run(void *x) { local++; __atomic_fetch_add(&shared, local, 5); return x; }
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pthread_join(t, 0); printf(\"%d\\n\", shared); return 0; }
";
const SIDE: &str = "static int shared = 4;\nint go(int by) { return __atomic_fetch_add(&shared, by, 5); }\n";

fn emscripten() {
    let place = Place::new(Tool::Emcc);
    place.write("main.c", MAIN.as_bytes()).write("side.c", SIDE.as_bytes());
    let main = "(emscripten, linked)";
    let side = "(emscripten, side module, linked)";
    for (line, output, kind, broken) in [
        ("-O1 -pthread main.c -o o1.js", "o1.wasm", main, &[][..]),
        ("-O3 -pthread main.c -o o3.js", "o3.wasm", main, &[]),
        ("-Os -pthread -sALLOW_MEMORY_GROWTH main.c -o os.js", "os.wasm", main, &[]),
        ("-O1 -pthread -sMAIN_MODULE=2 main.c -o mm.js", "mm.wasm", main, &[]),
        ("-O3 -pthread -sSIDE_MODULE=2 -sEXPORTED_FUNCTIONS=_go side.c -o side.wasm", "side.wasm", side, &[]),
        ("-O1 main.c -o u1.js", "u1.wasm", main, &["memory-not-shared", "active-data-segment"]),
        ("-O3 main.c -o u3.js", "u3.wasm", main, &["memory-not-shared", "active-data-segment"]),
        ("-O3 -sIMPORTED_MEMORY main.c -o im.js", "im.wasm", main, &["memory-not-shared", "active-data-segment"]),
    ] {
        let emcc = Run::new(Tool::Emcc.path()).words(line.split(' ')).folder(place.folder());
        emcc.env("NODE_PATH", "/usr/share/nodejs").run().expect_success();
        let code = i32::from(!broken.is_empty());
        let text = checked(place.folder(), &[output], code).stdout_text();
        let first = if broken.is_empty() { "threaded" } else { "not threaded" };
        assert!(text.starts_with(&format!("{output}: {first} {kind}\n")), "{line}\n{text}");
        let found: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("error[")?.split_once(']'))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(found, broken, "{line}\n{text}");
        assert!(!text.contains("warning["), "{line}\n{text}");
        // The other way about, as a variant without threads.
        let unthreaded = checked(place.folder(), &["--expect", "unthreaded", output], 1 - code).stdout_text();
        assert_eq!(unthreaded.contains("error[threaded]"), broken.is_empty(), "{line}\n{unthreaded}");
    }
}
