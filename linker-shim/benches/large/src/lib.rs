//! The input of the benchmark's large link: some big crates, each of them really reached, so that nothing of them is left
//! out. It is linked many times and never run.

use std::cell::Cell;
use std::io::Cursor;
use std::sync::Mutex;

/// What the next [`run`] works on; shared by all threads.
static TEXT: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// How often this thread ran something.
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// Appends one character to the text.
#[unsafe(no_mangle)]
pub extern "C" fn push(character: u32) {
    TEXT.lock().unwrap().extend(char::from_u32(character));
}

/// Gives the text to one of the crates; the length of what it made of it, and 0 when it refused.
#[unsafe(no_mangle)]
pub extern "C" fn run(which: usize) -> usize {
    const ALL: [fn(&str) -> Option<usize>; 8] = [shader, picture, pattern, rust, module, query, markdown, page];
    RUNS.set(RUNS.get() + 1);
    let text = TEXT.lock().unwrap().clone();
    ALL.get(which).and_then(|work| work(&text)).unwrap_or(0)
}

/// How often this thread ran something.
#[unsafe(no_mangle)]
pub extern "C" fn runs() -> u32 {
    RUNS.get()
}

fn shader(text: &str) -> Option<usize> {
    use naga::valid::{Capabilities, ValidationFlags, Validator};
    use naga::{back, front};
    let module = front::wgsl::parse_str(text)
        .ok()
        .or_else(|| front::glsl::Frontend::default().parse(&naga::ShaderStage::Vertex.into(), text).ok())
        .or_else(|| front::spv::parse_u8_slice(text.as_bytes(), &Default::default()).ok())?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).ok()?;
    let metal = back::msl::write_string(&module, &info, &Default::default(), &Default::default()).ok()?.0;
    let wgsl = back::wgsl::write_string(&module, &info, back::wgsl::WriterFlags::all()).ok()?;
    let spirv = back::spv::write_vec(&module, &info, &Default::default(), None).ok()?;
    let mut hlsl = String::new();
    let (options, pipeline) = (Default::default(), Default::default());
    back::hlsl::Writer::new(&mut hlsl, &options, &pipeline).write(&module, &info, None).ok()?;
    Some(metal.len() + wgsl.len() + spirv.len() + hlsl.len())
}

fn picture(text: &str) -> Option<usize> {
    let picture = image::load_from_memory(text.as_bytes()).ok()?;
    let picture = picture.resize(64, 64, image::imageops::FilterType::Lanczos3).blur(2.0);
    let mut all = Cursor::new(Vec::new());
    for format in image::ImageFormat::all() {
        picture.write_to(&mut all, format).ok()?;
    }
    Some(all.into_inner().len())
}

fn pattern(text: &str) -> Option<usize> {
    let (pattern, text) = text.split_once('\n')?;
    Some(regex::Regex::new(pattern).ok()?.replace_all(text, "$0$0").len())
}

fn rust(text: &str) -> Option<usize> {
    let file = syn::parse_file(text).ok()?;
    Some(prettyplease::unparse(&file).len() + format!("{file:?}").len())
}

fn module(text: &str) -> Option<usize> {
    let module = wat::parse_str(text).ok()?;
    wasmparser::validate(&module).ok()?;
    Some(wasmprinter::print_bytes(&module).ok()?.len())
}

fn query(text: &str) -> Option<usize> {
    let statements = sqlparser::parser::Parser::parse_sql(&sqlparser::dialect::GenericDialect {}, text).ok()?;
    Some(statements.iter().map(|statement| format!("{statement} {statement:?}").len()).sum())
}

fn markdown(text: &str) -> Option<usize> {
    let mut page = String::new();
    pulldown_cmark::html::push_html(&mut page, pulldown_cmark::Parser::new_ext(text, pulldown_cmark::Options::all()));
    Some(page.len())
}

fn page(text: &str) -> Option<usize> {
    use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer};
    struct Count(Cell<usize>);
    impl TokenSink for Count {
        type Handle = ();
        fn process_token(&self, _: Token, _: u64) -> TokenSinkResult<()> {
            self.0.set(self.0.get() + 1);
            TokenSinkResult::Continue
        }
    }
    let tokenizer = Tokenizer::new(Count(Cell::new(0)), Default::default());
    let input = BufferQueue::default();
    input.push_back(text.into());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    Some(tokenizer.sink.0.get())
}
