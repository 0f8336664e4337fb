//! The changes that lead to a state.

use crate::store::state::{Change, State};

/// Changes that make an empty state equal to this one, apart from its counters.
pub(super) fn changes(state: &State) -> impl Iterator<Item = Change> {
    let accounts = state.accounts.iter().flat_map(|(account, content)| {
        let (account, ahead) = (account.clone(), content.ahead);
        [Change::AccountOpened { account: account.clone() }, Change::AccountAhead { account, ahead }]
    });
    let jobs = state.jobs.values().map(|job| Change::JobAccepted(Box::new(job.clone())));
    let deleted = state.accounts.iter().flat_map(|(account, content)| {
        let known = |id: &String| Change::DeletedJobKnown { account: account.clone(), id: id.clone() };
        content.deleted.iter().map(known)
    });
    let money = state.ledger.iter().cloned().map(Change::MoneyMoved);
    let keys = state.accounts.iter().flat_map(|(account, content)| {
        content.keys.iter().map(|(key, record)| Change::KeyUsed {
            account: account.clone(),
            key: key.clone(),
            record: record.clone(),
        })
    });
    let topups = state.topups.values().cloned().map(Change::TopupOpened);
    let lost = state.lost_responses.iter().map(|number| Change::ResponseLost { number: *number });
    // The clocks of accounts come before what is due by them, and jobs before the refunds that settle them.
    accounts.chain(jobs).chain(deleted).chain(money).chain(keys).chain(topups).chain(lost)
}
