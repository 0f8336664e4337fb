//! Text for terminals and shells: escaping, quoting, widths, numbers, and moments.

mod closest;
mod escape;
mod format;
mod moment;
mod shell;
mod width;

pub(crate) use self::closest::closest;
pub(crate) use self::escape::{clean, clean_json, is_unsafe};
pub(crate) use self::format::{about, clock, count, size, span};
pub(crate) use self::moment::{ago, now, rfc3339};
pub(crate) use self::shell::{operand, operands, option, quote};
pub(crate) use self::width::{first_that_fits, fit, fit_end, is_certain, isolate, width, wrap};
pub(crate) use crate::money::usd;
