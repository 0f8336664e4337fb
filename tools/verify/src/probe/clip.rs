//! What costs money: two clips of the shortest length, one of them cancelled.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::reading::Capabilities;
use super::{JobId, Probe, Reply};
use crate::budget::dollars;
use crate::exchange::Request;
use crate::rules;

const GENERATE: &str = "/v1/video/generate";
/// The bounds of the time between two polls.
const POLL: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// A request of `generate` with its idempotency key.
struct Order {
    key: String,
    body: Map<String, Value>,
}

impl Order {
    /// The request with the key in the header and in the body, as clients should send it.
    fn request(&self) -> Request {
        Request::post(GENERATE).with_key(&self.key).with_json(&self.with_key())
    }

    fn with_key(&self) -> Value {
        let mut body = self.body.clone();
        body.insert("idempotency_key".to_owned(), self.key.as_str().into());
        Value::Object(body)
    }
}

impl Probe<'_> {
    pub(super) fn clips(&mut self, capabilities: &Capabilities) -> anyhow::Result<()> {
        if !self.allows("a clip") {
            return Ok(());
        }
        let Some((order, clip)) = self.first_clip(capabilities)? else { return Ok(()) };
        self.repetitions(&order, &clip)?;
        self.cancelled_clip(capabilities, &clip)?;
        self.invalid_orders()?;
        if self.follow(&clip)? {
            self.finished(&clip, capabilities)?;
        }
        self.retention(&clip)?;
        self.deletion(&clip)
    }

    /// Whether one more clip can be paid. Otherwise the reader is told what was left out.
    fn allows(&mut self, what: &str) -> bool {
        let allows = self.budget.allows_a_clip();
        if !allows {
            let (price, spent) = (dollars(self.budget.price()), dollars(self.budget.spent()));
            let spend = dollars(self.options.allowance.map_or(0, |allowance| allowance.spend));
            self.leave_out(format!(
                "{what}: it can cost {price} USD, and {spent} of {spend} USD are spent; raise --spend, or state a lower \
                 --clip-price if a clip of 1 s costs less"
            ));
        }
        allows
    }

    fn order(&self, name: &str, capabilities: &Capabilities, shape: Option<&str>) -> Order {
        let mut body = Map::new();
        body.insert("prompt".to_owned(), json!(format!("a red cube turns on a white table ({name})")));
        body.insert("duration_seconds".to_owned(), json!(1));
        if let Some(shape) = shape {
            body.insert(shape.to_owned(), json!("9:16"));
            body.insert("prefer".to_owned(), json!("cheapest"));
            body.extend(
                capabilities.resolution.map(|resolution| ("resolution".to_owned(), json!(resolution))),
            );
        }
        Order { key: self.key(name), body }
    }

    /// Makes the clip that is downloaded. If the server rejects a form of the request, the next one is tried.
    fn first_clip(&mut self, capabilities: &Capabilities) -> anyhow::Result<Option<(Order, JobId)>> {
        let forms = [("clip", Some("aspect_ratio")), ("clip-aspect", Some("aspect")), ("clip-plain", None)];
        let mut rejected = Vec::new();
        for (name, shape) in forms {
            let order = self.order(name, capabilities, shape);
            let reply = self.ask("the shortest clip", order.request())?;
            if reply.status() == 402 {
                self.leave_out(format!("a clip: the account has no credit ({})", reply.described()));
                return Ok(None);
            }
            if reply.rejects_the_content() {
                rejected.push((
                    reply.number,
                    format!("a request with `{}` is {}", shape.unwrap_or("prompt"), reply.described()),
                ));
                continue;
            }
            if shape == Some("aspect") {
                for (number, found) in rejected {
                    let found = format!("{found}; the same request with `aspect` is accepted");
                    self.judge.findings.contradict("GenerateRequest.aspect_ratio", number, found);
                }
            }
            return Ok(self.ordered(&order, &reply).map(|id| (order, id)));
        }
        self.leave_out(format!("a clip: {}", rejected.pop().map(|(_, found)| found).unwrap_or_default()));
        Ok(None)
    }

    /// The job of an order that was not rejected.
    fn ordered(&mut self, order: &Order, reply: &Reply) -> Option<JobId> {
        let id = reply.job().and_then(|job| job.id()).filter(|_| reply.is_accepted());
        let Some(id) = id else {
            self.budget.may_have_charged();
            self.leave_out(format!("a clip: `generate` responds {} without a job id", reply.described()));
            return None;
        };
        self.made(reply, &[]);
        self.judge.findings.confirm("GenerateRequest", reply.number);
        self.judge.findings.confirm("GenerateRequest.prompt", reply.number);
        if order.body.contains_key("prefer") {
            self.judge.findings.confirm("Preference", reply.number);
        }
        Some(id)
    }

    /// Repeats an order under its idempotency key. A server that ignores it makes, and charges for, another job each time.
    fn repetitions(&mut self, order: &Order, id: &JobId) -> anyhow::Result<()> {
        let mut other = order.with_key();
        other["prompt"] = json!("a blue ball rolls over a white table");
        let header =
            Request::post(GENERATE).with_key(&order.key).with_json(&Value::Object(order.body.clone()));
        let other = Request::post(GENERATE).with_key(&order.key).with_json(&other);
        let body = Request::post(GENERATE).with_json(&order.with_key());
        let cases = [
            ("the same request again", order.request(), rules::REPLAY.name, false),
            ("the same request with the key only in the header", header, "parameter Idempotency-Key", true),
            ("the same request with the key only in the body", body, "GenerateRequest.idempotency_key", true),
            ("the same key with another body", other, rules::OTHER_BODY.name, true),
        ];
        for (purpose, request, statement, may_conflict) in cases {
            if !self.allows(purpose) {
                return Ok(());
            }
            let reply = self.ask(purpose, request)?;
            let shown = reply.job().and_then(|job| job.id()).filter(|_| reply.is_accepted());
            self.made(&reply, &[id]);
            let holds = match &shown {
                Some(shown) => shown == id,
                None => may_conflict && matches!(reply.status(), 409 | 422),
            };
            let found = match &shown {
                Some(_) => format!("{purpose} makes another job"),
                None => format!("{purpose} is {}", reply.described()),
            };
            if holds && statement == rules::OTHER_BODY.name {
                let seen = if shown.is_some() { "the first result".to_owned() } else { reply.described() };
                self.judge.findings.observe(purpose, seen);
            }
            match holds {
                true => self.judge.findings.confirm(statement, reply.number),
                false => self.judge.findings.contradict(statement, reply.number, found),
            }
        }
        Ok(())
    }

    /// Makes a second clip, and cancels it at once.
    fn cancelled_clip(&mut self, capabilities: &Capabilities, older: &JobId) -> anyhow::Result<()> {
        if !self.allows("a clip to cancel") {
            return Ok(());
        }
        let mut order = self.order("cancelled", capabilities, Some("aspect"));
        let mut reply = self.ask("a clip to cancel", order.request())?;
        if reply.rejects_the_content() {
            let found = format!("a request with `aspect` is {}", reply.described());
            self.judge.findings.contradict("GenerateRequest.aspect", reply.number, found);
            order = self.order("cancelled-plain", capabilities, None);
            reply = self.ask("a clip to cancel", order.request())?;
        }
        if reply.is_accepted() && reply.job().and_then(|job| job.id()).as_ref() == Some(older) {
            self.budget.may_have_charged();
            self.leave_out(
                "a clip to cancel: under another idempotency key, `generate` responds with the first job",
            );
            return Ok(());
        }
        let Some(id) = self.ordered(&order, &reply) else { return Ok(()) };
        let request = Request::post(id.path("cancel"))
            .with_key(&self.key("cancel"))
            .with_json(&json!({"job_id": id.value()}));
        let first = self.ask("a cancellation", request.clone())?;
        self.order_of_two(older, &id)?;
        self.one_job()?;
        if first.is_accepted() {
            self.judge.findings.confirm("CancelRequest", first.number);
            self.judge.findings.confirm("CancelRequest.job_id", first.number);
            let again = self.ask("the same cancellation again", request)?;
            self.replayed(&first, &again);
        }
        let status = self.ask("the cancelled job", Request::get(id.path("status")))?;
        if let Some(job) = status.job().filter(|_| status.is_accepted()) {
            // A job can finish before it is cancelled.
            if first.is_accepted() || !job.is_final() {
                let found = format!("a job is {:?} after `cancel` was {}", job.state(), first.described());
                self.judge.findings.rule(rules::CANCEL, status.number, job.is_cancelled(), found);
            }
            if !job.has_succeeded() {
                let link =
                    self.ask("a link to a clip that does not exist", Request::get(id.path("download_url")))?;
                let found = format!("a link to the clip of a job without one is {}", link.described());
                self.judge.findings.rule(rules::NO_CLIP, link.number, link.status() == 409, found);
            }
        }
        Ok(())
    }

    /// Orders that are invalid: they make no job.
    fn invalid_orders(&mut self) -> anyhow::Result<()> {
        let post = |name: &str| Request::post(GENERATE).with_key(&self.key(name));
        let cases = [
            (
                rules::INVALID_GENERATE,
                422,
                "a clip without a prompt",
                post("no-prompt").with_json(&json!({"duration_seconds": 1})),
            ),
            (
                rules::INVALID_JSON,
                400,
                "a body that is not JSON",
                post("no-json").with_body("application/json", "{\"prompt\":"),
            ),
            (rules::MEDIA_TYPE, 415, "a body that is text", post("text").with_body("text/plain", "text")),
        ];
        for (rule, expected, purpose, request) in cases {
            if !self.allows(purpose) {
                return Ok(());
            }
            let Some(reply) = self.ask_malformed(purpose, request)? else { continue };
            self.made(&reply, &[]);
            let found = format!("{purpose} is {}", reply.described());
            self.judge.findings.rule(rule, reply.number, reply.status() == expected, found);
        }
        Ok(())
    }

    /// Polls a job until it is final. Returns whether it has succeeded.
    fn follow(&mut self, id: &JobId) -> anyhow::Result<bool> {
        let mut waited = Duration::ZERO;
        loop {
            let reply = self.ask("the state of the clip", Request::get(id.path("status")))?;
            self.status_of(&reply, id);
            if let Some(job) = reply.job().filter(|job| job.is_final()) {
                let states = if waited.is_zero() {
                    "at once".to_owned()
                } else {
                    format!("after {} s", waited.as_secs())
                };
                self.judge.findings.observe("a clip of 1 s is final", states);
                if !job.has_succeeded() {
                    self.leave_out(format!("the file of the clip: the job is {}", job.state()));
                }
                return Ok(job.has_succeeded());
            }
            if waited >= self.options.timeout {
                self.leave_out(format!(
                    "the file of the clip: its job is not final after {} s",
                    waited.as_secs()
                ));
                return Ok(false);
            }
            let pause = (waited / 4).clamp(POLL[0], POLL[1]);
            self.recorder.wait(pause);
            waited += pause;
        }
    }

    /// What is known of a clip that has succeeded.
    fn finished(&mut self, id: &JobId, capabilities: &Capabilities) -> anyhow::Result<()> {
        let reply = self.ask("the details of the clip", Request::get(id.path("get")))?;
        if let Some(job) = reply.job().filter(|_| reply.is_accepted()) {
            let findings = &mut self.judge.findings;
            if let Some(seconds) = job.0["duration_seconds"].as_f64() {
                let statement = "GenerateRequest.duration_seconds";
                match (seconds - 1.0).abs() < 0.5 {
                    true => findings.confirm(statement, reply.number),
                    false => {
                        findings.contradict(statement, reply.number, format!("a clip of 1 s has {seconds} s"))
                    }
                }
            }
            if let (Some(size), Some(wanted)) = (job.0["resolution"].as_str(), capabilities.resolution) {
                let found = format!("a clip of {wanted} has {size:?}");
                match ["720p", "1080p", "4k"].contains(&size) {
                    _ if size == wanted => findings.confirm("GenerateRequest.resolution", reply.number),
                    true => findings.contradict("GenerateRequest.resolution", reply.number, found),
                    false => findings.contradict("ReportedResolution", reply.number, found),
                }
            }
        }
        let reply = self.ask("a link to the clip", Request::get(id.path("download_url")))?;
        if let Some(url) = self.link(&reply)? {
            self.download(&url)?;
        }
        let cancel = Request::post(id.path("cancel")).with_key(&self.key("too-late"));
        let reply = self.ask("a cancellation that is too late, without a body", cancel)?;
        let found = format!("the cancellation of a final job is {}", reply.described());
        let without_body = matches!(reply.status(), 400 | 411 | 415 | 422);
        self.judge.findings.rule(rules::CANCEL_BODY, reply.number, !without_body, found.clone());
        if !without_body {
            self.judge.findings.rule(rules::CANCEL_FINAL, reply.number, reply.status() == 409, found);
        }
        Ok(())
    }
}
