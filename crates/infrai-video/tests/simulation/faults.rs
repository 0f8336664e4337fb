//! The faults of a run.

use std::collections::BTreeMap;

use fastrand::Rng;
use infrai_video_sandbox::{Action, Fault, JobState, Length, Operation, RetryAfter, When};
use tokio::time::Duration;

/// Up to eight rules, each for some of an operation's calls.
pub(crate) fn faults(random: &mut Rng) -> Vec<Fault> {
    (0..random.usize(0..=8)).map(|_| fault(random)).collect()
}

/// Permanent properties of the service: its names for states, and how its file host handles ranges.
pub(crate) fn habits(random: &mut Rng) -> Vec<Fault> {
    let mut habits = Vec::new();
    if random.bool() {
        habits.push(Fault::anywhere(spelling(random)));
    }
    if random.bool() {
        habits.push(Fault::on(Operation::Clip, ranges(random)));
    }
    habits
}

/// A service that is too slow for its gateway, so that the first request is still in progress when the next arrives.
pub(crate) fn slow_start() -> Fault {
    let lasts = Duration::from_millis(1500);
    let retry_after = Some(RetryAfter::Seconds(1));
    Fault::on(Operation::Generate, Action::InFlight { lasts, retry_after })
}

/// One of the names of each state, in any case.
fn spelling(random: &mut Rng) -> Action {
    let names = [
        (JobState::Queued, &["queued", "pending"][..]),
        (JobState::Running, &["running", "processing", "in_progress", "active"]),
        (JobState::Succeeded, &["succeeded", "completed", "complete", "done"]),
        (JobState::Failed, &["failed"]),
        (JobState::Cancelled, &["cancelled", "canceled"]),
    ];
    let names = names.map(|(state, names)| (state, in_any_case(names[random.usize(..names.len())], random)));
    Action::RenameStates { names: BTreeMap::from(names) }
}

/// In lower, upper or mixed case.
fn in_any_case(name: &str, random: &mut Rng) -> String {
    match random.u8(..3) {
        0 => name.to_owned(),
        1 => name.to_ascii_uppercase(),
        _ => {
            let any = |c: char| if random.bool() { c.to_ascii_uppercase() } else { c };
            name.chars().map(any).collect()
        }
    }
}

fn ranges(random: &mut Rng) -> Action {
    const STATUSES: [u16; 9] = [400, 403, 404, 405, 410, 412, 416, 500, 501];
    match random.u8(..4) {
        0 => Action::IgnoreRange,
        1 => Action::RangeFromStart,
        _ => Action::RefuseRange { status: STATUSES[random.usize(..STATUSES.len())] },
    }
}

fn fault(random: &mut Rng) -> Fault {
    let (operation, action) = match random.u8(..15) {
        0..=3 => (Operation::Generate, write(random)),
        4..=5 => (Operation::Status, read(random)),
        6 => (Operation::List, list(random)),
        7 => (Operation::Cancel, write(random)),
        8 => (Operation::DownloadUrl, link(random)),
        9 => (Operation::Get, read(random)),
        10 => (Operation::SetRetention, write(random)),
        11 => (Operation::Capabilities, write(random)),
        12 => (Operation::Delete, write(random)),
        _ => (Operation::Clip, file(random)),
    };
    let fault = Fault::on(operation, action).with_probability(random.f64());
    if random.bool() { fault.times(random.u64(1..6)) } else { fault }
}

fn pick(random: &mut Rng, actions: Vec<Action>) -> Action {
    let index = random.usize(..actions.len());
    actions[index].clone()
}

fn status(random: &mut Rng, statuses: &[u16]) -> Action {
    let retry_after = match random.u8(..4) {
        0 => Some(RetryAfter::Seconds(random.u64(0..90))),
        1 => Some(RetryAfter::DateIn(random.u64(0..90))),
        2 => Some(RetryAfter::Text("soon".into())),
        _ => None,
    };
    let when = if random.bool() { When::BeforeAccepting } else { When::AfterAccepting };
    Action::Status { status: statuses[random.usize(..statuses.len())], retry_after, when }
}

/// Faults of any call.
fn anything(random: &mut Rng) -> Vec<Action> {
    vec![
        Action::DropBefore,
        Action::AcceptThenDrop,
        status(random, &[408, 429, 500, 502, 503, 504]),
        Action::hang(),
        Action::accept_then_hang(),
        Action::slow_headers(Duration::from_millis(random.u64(1..90_000))),
        Action::html(),
        Action::MalformedJson,
        Action::CutJson,
        Action::WrongContentType,
        Action::cut(random.u64(0..200)),
        Action::Redirect { status: 307, location: None },
    ]
}

fn write(random: &mut Rng) -> Action {
    let mut actions = anything(random);
    actions.push(Action::AcceptThenDrop);
    actions.push(Action::InFlight {
        lasts: Duration::from_millis(random.u64(1..120_000)),
        retry_after: (random.u8(..3) > 0).then(|| RetryAfter::Seconds(random.u64(0..5))),
    });
    actions.push(Action::FailJob { code: "VENDOR_DOWN".into(), message: "the vendor went away".into() });
    pick(random, actions)
}

fn read(random: &mut Rng) -> Action {
    let mut actions = anything(random);
    actions.extend([
        spelling(random),
        Action::unknown_state(),
        Action::NoUrl,
        Action::Stuck,
        status(random, &[404]),
    ]);
    pick(random, actions)
}

fn list(random: &mut Rng) -> Action {
    let mut actions = anything(random);
    actions.extend([
        spelling(random),
        Action::CursorLoop,
        Action::RepeatItem,
        Action::unknown_state(),
        Action::Stuck,
    ]);
    pick(random, actions)
}

fn link(random: &mut Rng) -> Action {
    let mut actions = anything(random);
    actions.extend([Action::ExpiredLink, Action::ExpiredLink]);
    pick(random, actions)
}

fn file(random: &mut Rng) -> Action {
    let after = random.u64(0..40_000);
    let actions = vec![
        Action::DropBefore,
        status(random, &[401, 403, 404, 410, 429, 500, 503]),
        Action::hang(),
        Action::html(),
        Action::cut(after),
        Action::cut(after),
        Action::Cut { after, length: Length::Hidden },
        Action::Reset { after },
        Action::SlowBytes {
            chunk: random.usize(100..5_000),
            pause: Duration::from_millis(random.u64(1..40_000)),
        },
        ranges(random),
        Action::WrongContentRange,
        Action::ChangeEtag,
        Action::CorruptFile,
        Action::Redirect { status: 302, location: None },
    ];
    pick(random, actions)
}
