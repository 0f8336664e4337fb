//! What can be read without making a job.

use serde_json::Value;

use super::file::Owner;
use super::{JobId, Probe, Reply};
use crate::exchange::{Auth, Request};
use crate::rules;

const CAPABILITIES: &str = "/v1/video/capabilities";
/// How many jobs that exist already are read.
const JOBS: usize = 3;

/// What the shortest clip can be.
pub(super) struct Capabilities {
    /// The smallest resolution that a vendor lists.
    pub(super) resolution: Option<&'static str>,
}

impl Probe<'_> {
    pub(super) fn capabilities(&mut self) -> anyhow::Result<Capabilities> {
        let reply = self.ask("the vendors", Request::get(CAPABILITIES))?;
        let accepted = reply.is_accepted();
        self.rule(rules::BEARER, &reply, accepted, format!("{} with the API key", reply.described()));
        anyhow::ensure!(
            !matches!(reply.status(), 401 | 403),
            "the server rejects the API key ({}); check INFRAI_API_KEY and --base-url",
            reply.described()
        );
        self.expect_member(&reply, "vendors", "VideoCapabilities.vendors");
        let vendors = &reply.data()["vendors"];
        let offers = |name: &&str| {
            let vendors: Vec<&Value> = match vendors {
                Value::Object(by_name) => by_name.values().collect(),
                other => other.as_array().into_iter().flatten().collect(),
            };
            let mut sizes =
                vendors.into_iter().filter_map(|vendor| vendor["resolutions"].as_array()).flatten();
            sizes.any(|size| size == name)
        };
        Ok(Capabilities { resolution: ["720p", "1080p", "4k"].into_iter().find(offers) })
    }

    /// A result that the page describes has this member, although readers do not depend on it.
    pub(super) fn expect_member(&mut self, reply: &Reply, member: &str, statement: &str) {
        if reply.is_accepted() && reply.data().get(member).is_none() {
            let found = format!("the result has no `{member}`");
            self.judge.findings.contradict(statement, reply.number, found);
        }
    }

    pub(super) fn api_keys(&mut self) -> anyhow::Result<()> {
        for (purpose, auth) in [("no API key", Auth::Nothing), ("a malformed API key", Auth::MalformedKey)] {
            let reply = self.ask(purpose, Request::get(CAPABILITIES).with_auth(auth))?;
            let found = format!("{purpose} is {}", reply.described());
            self.rule(rules::UNAUTHORIZED, &reply, reply.status() == 401, found);
        }
        Ok(())
    }

    /// Jobs that no account has.
    pub(super) fn unknown_jobs(&mut self) -> anyhow::Result<()> {
        let unknown = JobId::unknown();
        for operation in ["status", "get", "download_url"] {
            let reply = self.ask("a job that does not exist", Request::get(unknown.path(operation)))?;
            let found = format!("{operation} is {}", reply.described());
            self.rule(rules::UNKNOWN_JOB, &reply, reply.status() == 404, found);
        }
        for malformed in ["/v1/video/status/%20".to_owned(), format!("/v1/video/status/{}", "x".repeat(300))]
        {
            let reply = self.ask_malformed("an id that no job can have", Request::get(malformed))?;
            let holds = matches!(reply.status(), 400 | 404);
            self.rule(rules::MALFORMED_ID, &reply, holds, reply.described());
        }
        Ok(())
    }

    /// Jobs that the account has already.
    pub(super) fn existing_jobs(&mut self, jobs: &[(JobId, bool)]) -> anyhow::Result<()> {
        for (id, has_succeeded) in jobs.iter().take(JOBS) {
            let reply = self.ask("a job of the account", Request::get(id.path("status")))?;
            self.status_of(&reply, id, Owner::Other);
            self.ask("the details of a job", Request::get(id.path("get")))?;
            let link = self.ask("a link to a clip", Request::get(id.path("download_url")))?;
            if *has_succeeded {
                self.link(&link, Owner::Other)?;
            }
        }
        Ok(())
    }

    /// A response of `status`.
    pub(super) fn status_of(&mut self, reply: &Reply, id: &JobId, owner: Owner) {
        let Some(job) = reply.job().filter(|_| reply.is_accepted()) else { return };
        let findings = &mut self.judge.findings;
        match job.id() {
            Some(shown) if shown == *id => findings.confirm("parameter id", reply.number),
            Some(_) => {
                findings.contradict("parameter id", reply.number, "the job has another id than the path")
            }
            None => {}
        }
        // The clip of an old job may be gone.
        if job.has_succeeded() && (owner == Owner::Run || job.link().is_some()) {
            findings.rule(
                rules::LINKS,
                reply.number,
                job.link().is_some(),
                "a job has succeeded without `video_url`",
            );
        }
    }
}
