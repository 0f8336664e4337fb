//! Pages of the list.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{JobId, Probe, Reply};
use crate::exchange::Request;
use crate::rules;

/// How many pages are read to find the last one.
const PAGES: usize = 20;
/// The largest limit that is tried.
const LIMIT: usize = 100;

impl Probe<'_> {
    /// Reads pages. Returns jobs of the account, and whether each has succeeded: those that have come first.
    pub(super) fn lists(&mut self) -> anyhow::Result<Vec<(JobId, bool)>> {
        let first = self.ask("the list", page(None, None))?;
        self.expect_member(&first, "items", "VideoJobPage.items");
        if first.next_cursor().is_some() {
            self.judge.findings.observe("jobs on a page without a limit", first.jobs().len().to_string());
        }
        let mut jobs: Vec<_> =
            first.jobs().iter().filter_map(|job| Some((job.id()?, job.has_succeeded()))).collect();
        self.existing.extend(jobs.iter().map(|(id, _)| id.clone()));
        jobs.sort_by_key(|(_, has_succeeded)| !has_succeeded);

        self.one_job()?;
        self.all_pages()?;
        for (purpose, url) in [
            ("a limit of 0", "/v1/video/list?limit=0"),
            ("a limit that is no number", "/v1/video/list?limit=many"),
            ("a cursor that nobody issued", "/v1/video/list?cursor=nobody-issued-this"),
        ] {
            let reply = self.ask(purpose, Request::get(url))?;
            let found = format!("{purpose} is {}", reply.described());
            self.rule(rules::INVALID_PAGE, &reply, reply.status() == 400, found);
        }
        Ok(jobs)
    }

    /// Pages of one job.
    pub(super) fn one_job(&mut self) -> anyhow::Result<()> {
        let first = self.ask("a page of one job", page(Some(1), None))?;
        let count = first.jobs().len();
        let found = match first.is_accepted() {
            true => format!("a page of limit 1 has {count} jobs"),
            false => format!("a limit of 1 is {}", first.described()),
        };
        // A page that is not full may be the only one.
        if !first.is_accepted() || count > 1 {
            for statement in ["parameter limit of video_list", rules::PAGE_LIMIT.name] {
                self.contradict(statement, &first, &found);
            }
        } else if count == 1 && first.next_cursor().is_some() {
            for statement in ["parameter limit of video_list", "PageLimit", rules::PAGE_LIMIT.name] {
                self.judge.findings.confirm(statement, first.number);
            }
        }
        if let Some(cursor) = first.next_cursor() {
            let second = self.ask("the page of a cursor", page(Some(1), Some(&cursor)))?;
            self.next_page(&first, &second);
        }
        Ok(())
    }

    fn next_page(&mut self, first: &Reply, second: &Reply) {
        const CURSOR: &str = "parameter cursor of video_list";
        let ids = |reply: &Reply| -> Vec<JobId> { reply.jobs().iter().filter_map(|job| job.id()).collect() };
        if !second.is_accepted() {
            self.contradict(CURSOR, second, &format!("a cursor of the server is {}", second.described()));
            return;
        }
        let (before, after) = (ids(first), ids(second));
        let repeats = !after.is_empty() && after == before || second.next_cursor() == first.next_cursor();
        self.rule(rules::CURSORS, second, !repeats, "the page of a cursor is the page before");
        if !repeats && !after.is_empty() {
            self.judge.findings.confirm(CURSOR, second.number);
            self.judge.findings.confirm("Cursor", second.number);
        }
    }

    /// Follows cursors to the last page.
    fn all_pages(&mut self) -> anyhow::Result<()> {
        let mut cursors = BTreeSet::new();
        let mut jobs = 0;
        let mut reply = self.ask("a page of 100 jobs", page(Some(LIMIT), None))?;
        if !reply.is_accepted() {
            self.contradict(
                rules::PAGE_LIMIT.name,
                &reply,
                &format!("a limit of {LIMIT} is {}", reply.described()),
            );
            return Ok(());
        }
        let count = reply.jobs().len();
        if reply.next_cursor().is_some() {
            let found = format!("a page of limit {LIMIT} has {count} jobs, and there are more");
            self.rule(rules::PAGE_LIMIT, &reply, count == LIMIT, found);
        }
        for _ in 0..PAGES {
            jobs += reply.jobs().len();
            self.existing.extend(reply.jobs().iter().filter_map(|job| job.id()));
            let Some(cursor) = reply.next_cursor() else {
                if reply.has_list() {
                    self.judge.findings.confirm(rules::LAST_PAGE.name, reply.number);
                }
                return Ok(());
            };
            if !cursors.insert(cursor.clone()) {
                self.contradict(rules::CURSORS.name, &reply, "a cursor has returned");
                return Ok(());
            }
            let next = self.ask("the next page of 100 jobs", page(Some(LIMIT), Some(&cursor)))?;
            self.next_page(&reply, &next);
            if !next.is_accepted() {
                return Ok(());
            }
            if next.jobs().is_empty() && reply.jobs().is_empty() && next.next_cursor().is_some() {
                self.contradict(rules::LAST_PAGE.name, &next, "two empty pages in a row have a cursor");
                return Ok(());
            }
            reply = next;
        }
        self.leave_out(format!(
            "the last page of the list: there is none after {PAGES} pages with {jobs} jobs"
        ));
        Ok(())
    }

    fn contradict(&mut self, statement: &str, reply: &Reply, found: &str) {
        if !reply.is_outage() {
            self.judge.findings.contradict(statement, reply.number, found);
        }
    }

    /// Whether the newer of two jobs comes first.
    pub(super) fn newest_first(&mut self, older: &JobId, newer: &JobId) -> anyhow::Result<()> {
        let reply = self.ask("the order of two new jobs", page(Some(LIMIT), None))?;
        let jobs = reply.jobs();
        let place = |wanted: &JobId| jobs.iter().position(|job| job.id().as_ref() == Some(wanted));
        if let (Some(older), Some(newer)) = (place(older), place(newer)) {
            let found = "an older job comes before a newer one";
            self.rule(rules::ORDER, &reply, newer < older, found);
        }
        Ok(())
    }
}

fn page(limit: Option<usize>, cursor: Option<&str>) -> Request {
    let limit = limit.map(|limit| format!("limit={limit}"));
    let cursor = cursor.map(|cursor| format!("cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)));
    let query: Vec<_> = limit.into_iter().chain(cursor).collect();
    match query.as_slice() {
        [] => Request::get("/v1/video/list"),
        query => Request::get(format!("/v1/video/list?{}", query.join("&"))),
    }
}
