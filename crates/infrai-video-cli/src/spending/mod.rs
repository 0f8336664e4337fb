//! What a command may spend: estimates by the jobs of the ledger, the budget of a run, and the question before a large charge.

mod budget;
mod consent;
mod estimate;
mod single;

pub(crate) use self::budget::{Admission, Budget, BudgetStop};
pub(crate) use self::consent::{ask_above, ask_if_large};
pub(crate) use self::estimate::{Estimate, Total};
pub(crate) use self::single::SingleCharge;
