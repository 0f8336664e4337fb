//! Batches: plans, runs, and clips that are gone.

mod allowance;
mod budget;
mod counts;
mod missing_clips;
mod plans;
mod runs;
mod writes;
