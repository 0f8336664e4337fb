//! Values that all other parts share. Nothing here depends on the rest of the crate.

pub(crate) mod catalogue;
pub(crate) mod cursor;
pub(crate) mod ids;
pub(crate) mod job_times;
pub(crate) mod keys;
pub(crate) mod money;
pub(crate) mod operation;
pub(crate) mod order;
pub(crate) mod problem;
pub(crate) mod resolution;
pub(crate) mod settings;
pub(crate) mod time;
