//! The budget of a run: which items may be begun.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use infrai_video::JobState;

use super::Estimate;
use crate::args::SpendingArgs;
use crate::ledger::{Item, PastJobs, Stage};
use crate::money::Usd;

/// What a run may spend. An item is reserved with its estimated cost before its request is sent, so that requests that are sent at
/// the same time cannot exceed the budget together. What the service reports replaces the estimate.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// `None` if there is no limit.
    max: Option<Usd>,
    /// Whether the user accepts the charge of any clip of unknown cost.
    accepts_unknown: bool,
    /// What sets the limit: the option, or a setting and its place.
    limit: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The jobs of the ledger, and those of this run.
    past: PastJobs,
    /// The items that this run has reserved, by their ids. Those that are saved at a known cost are in `saved` alone: a run may have
    /// very many.
    items: HashMap<String, Reserved>,
    /// What the saved items cost.
    saved: Usd,
    /// Number of items that this run has begun.
    begun: usize,
    /// Why the last item was not begun.
    stop: Option<Stop>,
}

/// An item that is charged, or may be.
#[derive(Debug, Clone, Copy)]
struct Reserved {
    /// What it costs, or is estimated to cost. `None` if that is not known.
    cost: Option<Usd>,
    /// Whether a response or a refund may still change that.
    is_open: bool,
}

/// Whether an item may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted,
    /// Not now: items in progress may turn out to be cheaper, or be refunded.
    Later,
    Refused,
}

/// Why no more items are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The next item would cost so much.
    Exceeded(Usd),
    /// What the next item would cost is not known, and it is longer or larger than each clip whose cost is known.
    Larger,
    /// The budget is used up, and what the next item would cost is not known.
    UsedUp,
    /// The service did not report what an item cost whose cost was not known before.
    NotReported,
}

/// How a run ended at its budget.
pub(crate) struct BudgetStop {
    pub(crate) message: String,
    pub(crate) remedy: Remedy,
}

/// How the rest of a run can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// By the same command, since this run has begun an item.
    Repeat,
    /// By a higher limit.
    Raise,
    /// By consent to a charge of unknown amount.
    Consent,
}

impl Budget {
    /// The options of a run, and the jobs from which costs are estimated.
    pub(crate) fn new(options: &SpendingArgs, past: PastJobs) -> Self {
        Self {
            max: options.max_usd,
            accepts_unknown: options.yes,
            limit: options.limit(),
            state: Mutex::new(State { past, ..State::default() }),
        }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.max.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if there is a limit.
    fn limited(&self) -> Option<MutexGuard<'_, State>> {
        self.is_limited().then(|| self.lock())
    }

    /// Reserves what an item is estimated to cost, if the budget allows it. An item of unknown cost is begun alone.
    pub(crate) fn reserve(&self, item: &Item) -> Admission {
        let Some(max) = self.max else { return Admission::Granted };
        let mut state = self.lock();
        if state.items.contains_key(&item.id) {
            return Admission::Granted;
        }
        let cost = state.estimate(item);
        let total = state.total();
        let unknown = state.items.values().find(|reserved| reserved.cost.is_none());
        let stop = match (unknown, cost) {
            (Some(Reserved { is_open: true, .. }), _) => return Admission::Later,
            (Some(_), _) => Stop::NotReported,
            (None, Some(cost)) if total + cost <= max => return state.reserve(item, Some(cost)),
            (None, None) if total < max && (self.accepts_unknown || !state.is_larger(item)) => {
                return state.reserve(item, None);
            }
            (None, Some(cost)) => Stop::Exceeded(cost),
            (None, None) if total < max => Stop::Larger,
            (None, None) => Stop::UsedUp,
        };
        if state.items.values().any(|reserved| reserved.is_open) {
            return Admission::Later;
        }
        state.stop = Some(stop);
        Admission::Refused
    }

    /// Counts an item whose request may have been accepted before, so that it is sent again whatever it costs.
    pub(crate) fn count_sent(&self, item: &Item) {
        if item.may_be_charged() {
            self.count(item);
        }
    }

    /// Counts an item that is sent whatever it costs: it may have been charged before.
    pub(crate) fn count(&self, item: &Item) {
        let Some(mut state) = self.limited() else { return };
        if !state.items.contains_key(&item.id) {
            let cost = state.estimate(item);
            state.reserve(item, cost);
        }
    }

    /// The service has accepted an item. Without a reported cost the estimate stays.
    pub(crate) fn set_charged(&self, item: &Item) {
        let Some(mut state) = self.limited() else { return };
        let cost = item.cost_usd.and_then(Usd::from_dollars);
        if let (Some(cost), Ok(request)) = (cost, item.clip_request()) {
            state.past.add(&request, cost);
        }
        if let Some(reserved) = state.items.get_mut(&item.id) {
            reserved.cost = cost.or(reserved.cost);
            // If it is not known now, it never will be.
            reserved.is_open &= reserved.cost.is_some();
        }
    }

    /// This run is done with an item. Only a job that is seen to have failed or to be cancelled is refunded.
    pub(crate) fn settle(&self, item: &Item) {
        let Some(mut state) = self.limited() else { return };
        let job = item.job_state.as_deref().map(JobState::from);
        let is_refunded = matches!(job, Some(JobState::Failed | JobState::Cancelled));
        let is_free = match item.stage {
            Stage::Planned | Stage::Refused => true,
            Stage::Failed | Stage::Cancelled => is_refunded,
            _ => false,
        };
        if is_free {
            let was_reserved = state.items.remove(&item.id).is_some();
            state.begun -= usize::from(was_reserved && item.stage == Stage::Planned);
        } else if let Some(reserved) = state.items.get_mut(&item.id) {
            reserved.is_open = false;
            if let (Stage::Saved, Some(cost)) = (item.stage, reserved.cost) {
                state.items.remove(&item.id);
                state.saved += cost;
            }
        }
    }

    /// Why items were left out, if they were. `left` is their number.
    pub(crate) fn stopped(&self, left: usize) -> Option<BudgetStop> {
        let state = self.lock();
        let (max, stop) = (self.max?, state.stop?);
        let begun = format!("{} of {} clips started", state.begun, state.begun + left);
        let why = match stop {
            Stop::Exceeded(cost) => format!("the next would cost about {cost}"),
            Stop::Larger => "the next is longer or larger than each clip whose cost is known".to_owned(),
            Stop::UsedUp => "what the next would cost is not known".to_owned(),
            Stop::NotReported => "the service did not report what the last one cost".to_owned(),
        };
        let message = format!("stopped at the budget: {begun}, {} of {max} USD; {why}", state.total());
        let remedy = match (stop, state.begun) {
            (Stop::Larger, _) => Remedy::Consent,
            (_, 0) => Remedy::Raise,
            _ => Remedy::Repeat,
        };
        Some(BudgetStop { message, remedy })
    }

    /// What the run was charged if that is more than its limit. A budget goes by estimates.
    pub(crate) fn excess(&self) -> Option<String> {
        let (max, total) = (self.max?, self.lock().total());
        (total > max).then(|| excess(total, &self.limit, max))
    }
}

/// `charged 0.10 USD, more than --max-usd 0.05`.
pub(super) fn excess(charged: Usd, limit: &str, max: Usd) -> String {
    format!("charged {charged} USD, more than {limit} {max}")
}

impl State {
    /// What such clips cost before, also in this run.
    fn estimate(&self, item: &Item) -> Option<Usd> {
        let request = item.clip_request().ok()?;
        Estimate::of(&request, &self.past).highest()
    }

    /// Whether an item is longer or larger than each clip whose cost is known. If none is known, no item is.
    fn is_larger(&self, item: &Item) -> bool {
        item.clip_request().is_ok_and(|request| self.past.is_larger_than_all(&request))
    }

    fn total(&self) -> Usd {
        self.saved + self.items.values().filter_map(|reserved| reserved.cost).sum::<Usd>()
    }

    fn reserve(&mut self, item: &Item, cost: Option<Usd>) -> Admission {
        self.items.insert(item.id.clone(), Reserved { cost, is_open: true });
        self.begun += 1;
        self.stop = None;
        Admission::Granted
    }
}
