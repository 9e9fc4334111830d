//! A link of many objects, begun before all of them are read.

use super::Link;
use crate::command_line::{Pthreads, Style};
use crate::inputs::{self, Atomics, Inputs};
use crate::linker::process::Ended;
use crate::plan::Plan;
use crate::report::Finding;
use crate::settings::Mode;

/// Fewer objects than these are read before a linker would have started.
const MANY: usize = 64;

/// Where the shim becomes the linker in the end, it costs no second process: more objects make up for that.
const MANY_WITHOUT_ATOMICS: usize = 512;

impl Link<'_> {
    /// Reads the inputs. Where there are many objects, the linker is already at work meanwhile, on the link that the first of
    /// them makes likely: then its run is handed on, and counts if the others say the same.
    pub(super) fn survey(&mut self, plan: &Plan) -> Result<(Inputs, Option<Ended>), Box<Finding>> {
        let (options, style) = (self.options(), self.line.style);
        let Some(threaded) = self.likely() else { return Ok((Inputs::survey(options, style), None)) };
        let nothing = Plan::default();
        let call = self.final_call(if threaded { plan } else { &nothing })?;
        let earlier = self.output.keep_earlier();
        let (ended, inputs) = call.run_held(&mut self.scratch, || Inputs::survey_beside(options, style))?;
        let counts = match &inputs.atomics {
            Atomics::Yes(_) => threaded,
            Atomics::No(_) => !threaded && inputs.needs.is_empty(),
            Atomics::Mixed(..) | Atomics::Undecided(..) => false,
        };
        if counts {
            return Ok((inputs, Some(ended)));
        }
        // What was linked is not what was asked for, and must not be found by anybody. A link of few objects would not have
        // begun: the output of an earlier one stays here, too.
        if ended.status.success() {
            self.output.take_back(earlier);
        }
        Ok((inputs, None))
    }

    /// Whether to begin at once, and with a threaded link or one as it was asked for.
    fn likely(&self) -> Option<bool> {
        let options = self.options();
        let hindered = options.no_check_features
            // emcc writes several files, and takes so long that nothing is gained.
            || self.line.style == Style::Emcc
            // What lies there of an earlier link must not be lost to one that may not count.
            || options.writes_beside
            || options.reproduce.is_some()
            // Then it is refused, and nothing must have been linked.
            || matches!(options.driver.pthreads(), Pthreads::Off(_))
            || self.output.not_a_file().is_some();
        if hindered {
            return None;
        }
        let (threaded, count) = inputs::first_of_many(options, self.line.style, MANY)?;
        if inputs::first_to_read_once(options).is_some() {
            // A second run would wait for it for ever.
            return None;
        }
        let worth_it = match self.settings.mode {
            Mode::Auto if !threaded => count >= MANY_WITHOUT_ATOMICS && self.line.style == Style::WasmLd,
            Mode::Auto | Mode::Threaded => threaded,
            Mode::Unthreaded | Mode::Off => false,
        };
        // Out of sight means in temporary files: without any, a link that needs none must still do.
        (worth_it && tempfile::tempfile().is_ok()).then_some(threaded)
    }
}
