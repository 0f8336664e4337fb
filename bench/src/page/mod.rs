//! The page `docs/benchmarks.md`: its sections, tables, goals and plots.

pub(crate) mod goals;
pub(crate) mod plot;
pub(crate) mod plots;
pub(crate) mod sections;
pub(crate) mod table;
