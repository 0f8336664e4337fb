//! Retries: the policy, the budget that calls share, and `Retry-After`.

mod after;
mod budget;
mod policy;

pub(crate) use after::{retry_after, server_time};
pub(crate) use budget::RetryBudget;
pub use policy::RetryPolicy;
