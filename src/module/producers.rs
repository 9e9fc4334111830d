//! The `producers` section: who made a module. No engine reads it, so what is wrong in it is no error.

use wasmparser::{BinaryReader, ProducersSectionReader};

/// Visits every entry: its field (`language`, `processed-by`, `sdk`), a name and a version. Says whether all could be read.
pub(super) fn each(section: &[u8], mut visit: impl FnMut(&str, &str, &str)) -> bool {
    let mut read = || -> wasmparser::Result<()> {
        for field in ProducersSectionReader::new(BinaryReader::new(section, 0))? {
            let field = field?;
            for value in field.values {
                let value = value?;
                visit(field.name, value.name, value.version);
            }
        }
        Ok(())
    };
    read().is_ok()
}

/// Whether `field` has `name`, in a section that can be read to its end.
pub(super) fn name(section: &[u8], field: &str, name: &str) -> bool {
    let mut found = false;
    each(section, |in_field, named, _| found |= in_field == field && named == name) && found
}
