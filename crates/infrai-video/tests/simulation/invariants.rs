//! The invariants of a run, checked against the ledger, the journal and the disk.

use std::collections::{BTreeMap, BTreeSet};

use infrai_video::Submission;
use infrai_video_sandbox::{Host, JobState};

use crate::clip;
use crate::stage::{Item, Outcome, Refused, Stage};

pub(crate) fn violations(stage: &Stage) -> Vec<String> {
    let mut found = stage.violations.clone();
    money(stage, &mut found);
    clips(stage, &mut found);
    directory(stage, &mut found);
    let to_files = stage.sandbox.journal().into_iter().filter(|seen| seen.host == Host::Files);
    if to_files.into_iter().any(|seen| seen.authorization) {
        found.push("a request to the file host carried the key".to_owned());
    }
    found
}

/// Each accepted submission is charged once, and nothing else is charged.
fn money(stage: &Stage, found: &mut Vec<String>) {
    let ledger = stage.sandbox.ledger();
    let wanted: BTreeSet<String> = stage.items.iter().filter_map(key).collect();
    let mut charges: BTreeMap<String, usize> = BTreeMap::new();
    for charge in ledger.charges() {
        *charges.entry(charge.idempotency_key.clone().unwrap_or_default()).or_default() += 1;
    }
    for (key, count) in &charges {
        if !wanted.contains(key) {
            found.push(format!("something was charged under the key {key:?}, which no submission has"));
        }
        let again =
            stage.items.iter().filter(|item| self::key(item).as_ref() == Some(key)).map(|item| item.again);
        if *count > 1 + again.sum::<usize>() {
            found.push(format!("the key {key} was charged {count} times"));
        }
    }
    let again: usize = stage.items.iter().map(|item| item.again).sum();
    if ledger.double_charges() > again {
        found.push(format!("{} double charges, {again} on purpose", ledger.double_charges()));
    }
    for item in &stage.items {
        if let Some(refused) = unknown(item) {
            if !refused.is_right() {
                let Refused { age, ahead } = refused;
                found.push(format!(
                    "{}: refused at the age of {age:?}, its date {ahead} s ahead",
                    item.prompt
                ));
            }
            continue;
        }
        let charged = key(item).is_some_and(|key| charges.contains_key(&key));
        if item.job_id.is_some() != charged {
            found.push(format!(
                "{}: has a job: {}, was charged: {charged}",
                item.prompt,
                item.job_id.is_some()
            ));
        }
    }
}

/// The rejection after which it is unknown whether the clip has a job.
fn unknown(item: &Item) -> Option<&Refused> {
    item.refused.as_ref().filter(|_| item.job_id.is_none() && item.outcome.is_none())
}

fn key(item: &Item) -> Option<String> {
    let submission: Submission = serde_json::from_str(item.submission.as_deref()?).ok()?;
    Some(submission.idempotency_key().to_string())
}

/// Every paid clip is on the disk, byte for byte, and nothing else is.
fn clips(stage: &Stage, found: &mut Vec<String>) {
    let jobs = stage.sandbox.jobs();
    for item in &stage.items {
        if unknown(item).is_some() {
            if stage.directory.join(&item.path).exists() {
                found.push(format!("{}: there is a file for a job that nobody knows", item.prompt));
            }
            continue;
        }
        let job = jobs.iter().find(|job| Some(&job.job_id) == item.job_id.as_ref());
        if item.deleted == job.is_some() || item.deleted != (item.tidy && item.job_id.is_some()) {
            let (tidy, there) = (item.tidy, job.is_some());
            found.push(format!(
                "{}: to be deleted: {tidy}, deleted: {}, is there: {there}",
                item.prompt, item.deleted
            ));
        }
        let expected = match job.map(|job| job.state).or(item.last_state) {
            Some(JobState::Succeeded) => Some(Outcome::Saved),
            Some(JobState::Failed) => Some(Outcome::Failed),
            Some(JobState::Cancelled) => Some(Outcome::Cancelled),
            Some(_) => None,
            None => Some(Outcome::NoCredit),
        };
        if item.outcome != expected || expected.is_none() {
            found.push(format!(
                "{}: ended as {:?}, and is {:?} in the sandbox",
                item.prompt, item.outcome, expected
            ));
        }
        let file = std::fs::read(stage.directory.join(&item.path)).ok();
        let clip = (expected == Some(Outcome::Saved)).then(|| clip::of_prompt(&item.prompt));
        match (file, clip) {
            (Some(file), Some(clip)) if file != clip => {
                found.push(format!("{}: the clip is not the right one", item.prompt))
            }
            (None, Some(_)) => found.push(format!("{}: the clip was paid for and is not there", item.prompt)),
            (Some(_), None) => {
                found.push(format!("{}: there is a file for a job without a clip", item.prompt))
            }
            _ => {}
        }
    }
}

fn directory(stage: &Stage, found: &mut Vec<String>) {
    let known: BTreeSet<_> = stage.items.iter().map(|item| item.path.clone().into_os_string()).collect();
    let Ok(entries) = std::fs::read_dir(&stage.directory) else { return };
    for name in entries.flatten().map(|entry| entry.file_name()) {
        if !known.contains(&name) {
            found.push(format!("{} was left behind", name.to_string_lossy()));
        }
    }
}
