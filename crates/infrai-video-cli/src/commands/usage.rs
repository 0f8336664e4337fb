//! What was charged, by the ledger.

use std::collections::BTreeMap;

use infrai_video::JobState;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::args::{GroupBy, UsageArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Charge, Ledger, LedgerError, PastJobs, Uncertain};
use crate::money::Usd;
use crate::schema::{ChargeSums, UsageGroup, UsageReport};
use crate::text::count;
use crate::ui::Table;

/// The group of charges about which the ledger does not know what they are grouped by.
const UNKNOWN: &str = "unknown";

pub(super) async fn run(ctx: &Context, args: &UsageArgs) -> Result<(), Failure> {
    let ledger = ctx.require_ledger().await?;
    let usage = Usage::read(ctx, args, &ledger).await.map_err(|error| ctx.ledger_failed(&error));
    ledger.close().await;
    usage?.print(ctx)
}

/// The charges of a service.
struct Usage {
    args: UsageSpan,
    groups: BTreeMap<String, Sums>,
    total: Sums,
    uncertain: Uncertain,
}

struct UsageSpan {
    by: GroupBy,
    since: Option<Timestamp>,
}

/// The sums of some charges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    jobs: usize,
    charged: Usd,
    refunds: Usd,
    refunded_jobs: usize,
    /// Number of jobs whose cost the service did not report.
    unreported: usize,
    /// What those cost, as far as jobs of the same vendor, size and length tell.
    estimated: Usd,
    /// Number of jobs that were deleted before they were seen to be final.
    deleted: usize,
}

impl Sums {
    fn add(&mut self, charge: &Charge, past: &PastJobs) {
        self.jobs += 1;
        let state = charge.job_state.as_deref().map(JobState::from);
        let is_refunded = matches!(state, Some(JobState::Failed | JobState::Cancelled));
        self.deleted += usize::from(charge.is_deleted());
        self.refunded_jobs += usize::from(is_refunded);
        match charge.cost {
            Some(cost) => {
                self.charged += cost;
                self.refunds += if is_refunded { cost } else { Usd::ZERO };
            }
            // Whatever a job cost that is refunded, the net is the same.
            None if is_refunded => self.unreported += 1,
            None => {
                self.unreported += 1;
                self.estimated += past.cost_like(charge).unwrap_or_default();
            }
        }
    }

    fn net(&self) -> Usd {
        self.charged - self.refunds
    }

    fn report(&self) -> ChargeSums {
        ChargeSums {
            jobs: self.jobs,
            charged_usd: self.charged.dollars(),
            expected_refunds_usd: self.refunds.dollars(),
            net_usd: self.net().dollars(),
            unreported_jobs: self.unreported,
            unreported_estimate_usd: self.estimated.dollars(),
            deleted_jobs: self.deleted,
        }
    }

    fn cells(&self, group: &str) -> Vec<String> {
        let amounts = [self.charged, self.refunds, self.net()].map(|amount| amount.to_string());
        let unknown = self.unreported.to_string();
        [group.to_owned(), self.jobs.to_string()].into_iter().chain(amounts).chain([unknown]).collect()
    }
}

impl Usage {
    async fn read(ctx: &Context, args: &UsageArgs, ledger: &Ledger) -> Result<Self, LedgerError> {
        let (service, since) = (ctx.service(), args.since.map(|since| since.timestamp()));
        let from = since.map_or(i64::MIN, |since| since.as_millisecond());
        let charges = ledger.charges(&service, from, i64::MAX).await?;
        let past = ledger.past_jobs(&service).await?;
        let uncertain = ledger.uncertain(&service, from).await?;
        let (mut groups, mut total) = (BTreeMap::<String, Sums>::new(), Sums::default());
        for charge in &charges {
            groups.entry(group(args.by, charge)).or_default().add(charge, &past);
            total.add(charge, &past);
        }
        Ok(Self { args: UsageSpan { by: args.by, since }, groups, total, uncertain })
    }

    fn print(&self, ctx: &Context) -> Result<(), Failure> {
        let output = &ctx.output;
        if output.json {
            return output.json(&self.report(ctx));
        }
        if output.quiet {
            self.left_out(ctx).iter().for_each(|note| output.important("note", note));
            return output.line(&self.total.net().to_string());
        }
        let mut rows: Vec<Vec<String>> = self.groups.iter().map(|(group, sums)| sums.cells(group)).collect();
        if output.stdout_is_terminal && rows.len() > 1 {
            rows.push(self.total.cells("total"));
        }
        if !rows.is_empty() {
            let by = match self.args.by {
                GroupBy::Day => "DAY (UTC)",
                GroupBy::State => "STATE",
                GroupBy::Vendor => "VENDOR",
            };
            output.table(&Table::new(&[by, "JOBS", "CHARGED", "REFUNDS", "NET", "UNKNOWN"], rows, 0))?;
        }
        self.notes(ctx).iter().for_each(|note| output.status("note", note));
        Ok(())
    }

    /// About the sums.
    fn notes(&self, ctx: &Context) -> Vec<String> {
        let (total, invocation) = (&self.total, &ctx.invocation);
        let mut notes = Vec::new();
        if total.jobs == 0 {
            notes.push(format!("this ledger has no charges at {}", ctx.service()));
        } else {
            notes.push("amounts in US dollars".to_owned());
        }
        if total.refunded_jobs > 0 {
            let jobs = count(total.refunded_jobs, "failed or cancelled job");
            notes.push(format!("refunds are expected for {jobs}; the ledger cannot confirm them"));
        }
        if self.uncertain.api_keys > 1 {
            let keys = count(self.uncertain.api_keys, "API key");
            notes.push(format!("these are the charges of {keys}, which may belong to several accounts"));
        }
        notes.extend(self.left_out(ctx));
        for (service, jobs) in &self.uncertain.elsewhere {
            let usage = invocation.command_at(service, "usage");
            notes.push(format!("not included: {} at another service: {usage}", count(*jobs, "job")));
        }
        notes
    }

    /// Charges of this service that are not in the sums.
    fn left_out(&self, ctx: &Context) -> Vec<String> {
        let total = &self.total;
        let mut notes = Vec::new();
        if total.unreported > 0 {
            let about = match total.estimated > Usd::ZERO {
                true => format!(", estimated at {} USD", total.estimated),
                false => String::new(),
            };
            let jobs = count(total.unreported, "job");
            notes.push(format!("not included: {jobs} of unreported cost{about}"));
        }
        if total.deleted > 0 {
            let jobs = count(total.deleted, "job");
            notes.push(format!("not known: whether {jobs} deleted before the end was refunded"));
        }
        if self.uncertain.requests > 0 {
            let requests = count(self.uncertain.requests, "request");
            let resume = ctx.invocation.command("resume");
            notes
                .push(format!("not included: {requests} without a response, which may be charged: {resume}"));
        }
        notes
    }

    fn report(&self, ctx: &Context) -> UsageReport {
        let group = |(name, sums): (&String, &Sums)| UsageGroup { group: name.clone(), sums: sums.report() };
        UsageReport {
            service: ctx.service(),
            since: self.args.since.map(|since| since.to_string()),
            groups: self.groups.iter().map(group).collect(),
            total: self.total.report(),
            requests_without_response: self.uncertain.requests,
        }
    }
}

/// The name of the group of a charge.
fn group(by: GroupBy, charge: &Charge) -> String {
    let name = match by {
        GroupBy::Day => Timestamp::from_millisecond(charge.submitted_at)
            .ok()
            .map(|at| TimeZone::UTC.to_datetime(at).date().to_string()),
        GroupBy::State => charge.job_state.clone(),
        GroupBy::Vendor => charge.vendor.clone(),
    };
    name.unwrap_or_else(|| UNKNOWN.to_owned())
}
