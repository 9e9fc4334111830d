//! The line of JavaScript that makes the memory which a module imports.

use super::json::quote;
use crate::module::Memory;

/// The most pages that JavaScript gives a memory (WebAssembly JavaScript Interface, "Implementation-defined Limits").
pub const MOST_PAGES: u64 = 65_536;
/// The same for 64-bit addresses.
pub const MOST_WIDE_PAGES: u64 = 262_144;

/// `new WebAssembly.Memory({ … })`, for a memory that is imported.
///
/// # Errors
///
/// Why there is no such line.
pub fn construct(memory: &Memory) -> Result<String, &'static str> {
    if memory.import.is_none() {
        return Err("none is needed: the module makes its memory itself");
    }
    if memory.page != 65_536 {
        return Err("there is none: JavaScript cannot make a memory with pages of another size than 64 KiB");
    }
    let most = if memory.wide { MOST_WIDE_PAGES } else { MOST_PAGES };
    if memory.minimum > most {
        return Err("there is none: JavaScript makes no memory of that size");
    }
    // A host may give a memory with a smaller maximum than the module declares.
    let number = |pages: u64| format!("{}{}", pages.min(most), if memory.wide { "n" } else { "" });
    let mut members = Vec::new();
    if memory.wide {
        members.push("address: 'i64'".to_owned());
    }
    members.push(format!("initial: {}", number(memory.minimum)));
    if let Some(maximum) = memory.maximum {
        members.push(format!("maximum: {}", number(maximum)));
    }
    if memory.shared {
        members.push("shared: true".to_owned());
    }
    Ok(format!("new WebAssembly.Memory({{ {} }})", members.join(", ")))
}

/// The imports that hand it to the module: `{ env: { memory } }`.
pub fn imports(memory: &Memory) -> Option<String> {
    let (module, name) = memory.import.as_ref()?;
    let member = if &**name == "memory" { name.to_string() } else { format!("{}: memory", property(name)) };
    Some(format!("{{ {}: {{ {member} }} }}", property(module)))
}

/// A property's name, in quotes where it must.
fn property(name: &str) -> String {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    if name.bytes().all(word)
        && !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name != "__proto__"
    {
        return name.to_owned();
    }
    let mut quoted = String::new();
    // `{ "__proto__": … }` sets the prototype; computed, it is a name as any other.
    quote(&mut quoted, name);
    if name == "__proto__" { format!("[{quoted}]") } else { quoted }
}
