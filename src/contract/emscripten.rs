//! What only Emscripten's main modules must keep.

use super::{Check, NOT_SHARED, Outcome, found};
use crate::module::of_pthreads;
use crate::report::Finding;
use crate::rules;

impl Check<'_> {
    /// A shared memory is no proof: `-sWASM_WORKERS` has one too. The names are, where they are not minified.
    pub(super) fn emscripten_without_pthreads(&self) -> Outcome {
        if self.shared().is_none() {
            return NOT_SHARED;
        }
        if self.module.imports.minified {
            return Outcome::NotApplicable("its names are minified, and do not tell");
        }
        let pthreads = self.module.imports.pthreads || self.module.exports.keys().any(of_pthreads);
        found((!pthreads).then(|| {
            Finding::new(
                &rules::EMSCRIPTEN_WITHOUT_PTHREADS,
                format!("{} has a shared memory, and no threads", self.name),
                "no import or export of Emscripten's pthreads",
                "a module linked with -pthread, such as exports _emscripten_thread_init",
                "link with -pthread; -sSHARED_MEMORY and -sWASM_WORKERS alone bring no pthreads",
            )
        }))
    }
}
