//! To be written.

use crate::support::Suite;

pub fn tests(_suite: &mut Suite) {}
