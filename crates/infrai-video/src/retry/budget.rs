use std::sync::atomic::{AtomicU32, Ordering};

/// A token bucket shared by all clones of a client, so that many calls together do not overload a failing service.
///
/// A retry takes tokens, and a successful call returns one. While the bucket is empty, calls are not retried.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    tokens: AtomicU32,
    capacity: u32,
}

const RETRY_COST: u32 = 5;

impl RetryBudget {
    pub(crate) fn new(retries: u32) -> Self {
        let capacity = retries.saturating_mul(RETRY_COST);
        Self { tokens: AtomicU32::new(capacity), capacity }
    }

    /// Takes the tokens of one retry, if there are enough.
    pub(crate) fn take(&self) -> bool {
        let take = |tokens: u32| tokens.checked_sub(RETRY_COST);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Returns a token after a successful call.
    pub(crate) fn refund(&self) {
        let give = |tokens: u32| (tokens < self.capacity).then(|| tokens + 1);
        let _already_full = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_budget_allows_no_retry_until_calls_succeed() {
        let budget = RetryBudget::new(2);
        assert!(budget.take() && budget.take());
        assert!(!budget.take());
        for _ in 0..RETRY_COST {
            budget.refund();
        }
        assert!(budget.take());
        assert!(!budget.take());
    }

    #[test]
    fn a_full_budget_does_not_grow() {
        let budget = RetryBudget::new(1);
        budget.refund();
        assert!(budget.take());
        (1..RETRY_COST).for_each(|_| budget.refund());
        assert!(!budget.take());
    }
}
