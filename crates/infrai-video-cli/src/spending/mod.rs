//! What a command may spend: estimates by the jobs of the ledger, the budget of a run, and the question before a large charge.

mod budget;
mod consent;
mod cost;
mod estimate;
mod single;

pub(crate) use self::budget::{Admission, Budget, BudgetStop, Remedy};
pub(crate) use self::consent::ask_above;
pub(crate) use self::cost::Cost;
pub(crate) use self::estimate::Estimate;
use self::estimate::Total;
pub(crate) use self::single::SingleCharge;
