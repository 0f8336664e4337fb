//! The headings under which the help lists options.

/// What the clip shows and how.
pub(super) const CLIP: &str = "Clip";

/// Which jobs are listed.
pub(super) const JOBS: &str = "Jobs to list";

/// Where the clip goes, and what happens to it there.
pub(super) const OUTPUT: &str = "Output";

/// What is checked and limited before anything is charged.
pub(super) const COST: &str = "Cost and checks";

/// How long the command runs, and how much at a time.
pub(super) const RUN: &str = "Running and waiting";
