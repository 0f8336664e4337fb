//! Batches: plans, runs, and clips that are gone.

mod missing_clips;
mod plans;
mod runs;
