//! A `target_features` section, and one of needs, in an object and in a module.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_threads::inputs::Object;
use wasm_threads::module::{Module, NEED_SECTION};
use wasm_threads_fuzz::{TWICE, within};

fuzz_target!(|data: &[u8]| {
    let mut file = b"\0asm\x01\0\0\0".to_vec();
    for name in ["target_features", NEED_SECTION] {
        let mut section = vec![u8::try_from(name.len()).expect("a short name")];
        section.extend(name.as_bytes());
        section.extend(data);
        file.push(0);
        file.extend(leb(section.len()));
        file.extend(section);
    }
    let read = within(TWICE, || file.len(), || Module::read(&file[..]));
    let object = within(TWICE, || file.len(), || Object::read(&file[..]));
    if let Ok(module) = read {
        let features = module.features.expect("the section is there");
        assert_eq!(features.uses("atomics") && !features.refuses_sharing(), object.uses_atomics());
        assert_eq!(module.needs, object.needs);
    } else {
        assert!(!object.uses_atomics());
    }
});

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}
