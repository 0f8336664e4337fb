//! Changes of jobs that this run has made, and the deletion of all jobs if the user wants it.

use serde_json::json;

use super::{JobId, Probe, Reply};
use crate::exchange::Request;
use crate::rules;

impl Probe<'_> {
    /// Judges a change that was repeated with its idempotency key. Returns whether the response is the same.
    ///
    /// The same response confirms the rule only if the change could not be made twice.
    pub(super) fn replayed(&mut self, first: &Reply, again: &Reply) -> bool {
        let same = again.status() == first.status() && again.data() == first.data();
        let found =
            format!("a change that was {} is {} when it is repeated", first.described(), again.described());
        if !same {
            self.rule(rules::REPLAYED_WRITE, again, false, found);
        }
        same
    }

    pub(super) fn retention(&mut self, id: &JobId) -> anyhow::Result<()> {
        let keep = |days: i32, job_id: &serde_json::Value, key: String| {
            let body = json!({"days": days, "job_id": job_id, "idempotency_key": key});
            Request::post(id.path("set_retention")).with_key(&key).with_json(&body)
        };
        let request = keep(7, id.value(), self.key("retention"));
        let first = self.ask("a retention of 7 days", request.clone())?;
        let found = format!("a retention of 7 days is {}", first.described());
        self.rule(rules::RETENTION, &first, first.is_accepted(), found);
        if first.is_accepted() {
            self.judge.findings.confirm("SetRetentionRequest", first.number);
            self.expect_member(&first, "retention_days", "Retention.retention_days");
            let days = &first.data()["retention_days"];
            match days.as_i64() {
                Some(7) => self.judge.findings.confirm("SetRetentionRequest.days", first.number),
                Some(_) => {
                    let found = format!("a retention of 7 days is returned as {days}");
                    self.judge.findings.contradict("SetRetentionRequest.days", first.number, found);
                }
                None => {}
            }
            let again = self.ask("the same retention again", request)?;
            self.replayed(&first, &again);
        }
        for days in [0, 91] {
            let reply = self.ask(
                "a retention that is out of range",
                keep(days, id.value(), self.key(&format!("days-{days}"))),
            )?;
            let found = format!("a retention of {days} days is {}", reply.described());
            self.rule(rules::RETENTION, &reply, reply.status() == 422, found);
        }
        let reply = self.ask(
            "a retention whose body names another job",
            keep(7, &json!("another-job"), self.key("other-id")),
        )?;
        let found = format!("a body that names another job is {}", reply.described());
        self.rule(rules::REPEATED_ID, &reply, reply.status() == 422, found);
        // A server that rejects another id knows the member.
        if reply.rejects_the_content() {
            self.judge.findings.confirm("SetRetentionRequest.job_id", reply.number);
        }
        Ok(())
    }

    /// Deletes a job that this run has made.
    pub(super) fn deletion(&mut self, id: &JobId) -> anyhow::Result<()> {
        let request = Request::delete(JobId::unknown().path("delete")).with_key(&self.key("delete-unknown"));
        let reply = self.ask("the deletion of a job that does not exist", request)?;
        let found = format!("delete is {}", reply.described());
        self.rule(rules::UNKNOWN_JOB, &reply, reply.status() == 404, found);
        let request = Request::delete(id.path("delete")).with_key(&self.key("delete"));
        let first = self.ask("the deletion of the clip", request.clone())?;
        if !first.is_accepted() {
            return Ok(());
        }
        self.made.retain(|made| made != id);
        let again = self.ask("the same deletion again", request)?;
        self.replayed(&first, &again);
        let twice = Request::delete(id.path("delete")).with_key(&self.key("delete-twice"));
        let twice = self.ask("another deletion of the deleted job", twice)?;
        let found = format!("the deletion of a deleted job is {}", twice.described());
        self.rule(rules::DELETED_AGAIN, &twice, twice.is_accepted(), found);
        let status = self.ask("the deleted job", Request::get(id.path("status")))?;
        let found = format!("a deleted job is {}", status.described());
        self.rule(rules::DELETED, &status, status.status() == 404, found);
        Ok(())
    }

    /// Deletes the jobs of this run that are left.
    pub(super) fn delete_made(&mut self) -> anyhow::Result<()> {
        for (index, id) in std::mem::take(&mut self.made).into_iter().enumerate() {
            let request = Request::delete(id.path("delete")).with_key(&self.key(&format!("delete-{index}")));
            let reply = self.ask("the deletion of a job of this run", request)?;
            if !reply.is_accepted() && !matches!(reply.status(), 404 | 410) {
                self.leave_out(format!("the deletion of job {id}: {}", reply.described()));
                self.undeleted.push(id);
            }
        }
        Ok(())
    }

    pub(super) fn delete_all(&mut self) -> anyhow::Result<()> {
        let request =
            Request::post("/v1/video/delete_all").with_key(&self.key("delete-all")).with_json(&json!({}));
        let reply = self.ask("the deletion of all jobs of the account", request)?;
        if reply.is_accepted() {
            self.judge.findings.confirm("DeleteAllRequest", reply.number);
            self.expect_member(&reply, "deleted", "DeleteAllResult.deleted");
        }
        Ok(())
    }
}
