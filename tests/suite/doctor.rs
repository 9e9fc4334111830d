//! stub
use crate::support::Suite;
pub fn tests(_: &mut Suite) {}
