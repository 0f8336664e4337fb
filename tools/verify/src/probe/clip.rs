//! What costs money: two clips of the shortest length, one of them cancelled.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::file::Owner;
use super::reading::Capabilities;
use super::{JobId, Probe, Reply};
use crate::budget::dollars;
use crate::exchange::Request;
use crate::rules;

const GENERATE: &str = "/v1/video/generate";
/// How often a request is repeated that the server may not be able to answer yet.
const LAGS: usize = 5;
/// The bounds of the time between two polls.
const POLL: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// A request of `generate` with its idempotency key.
struct ClipRequest {
    key: String,
    body: Map<String, Value>,
    form: Form,
}

/// A form of the request for a clip.
#[derive(Clone, Copy)]
struct Form {
    /// Distinguishes the idempotency keys.
    name: &'static str,
    /// The member with the aspect ratio. Without it, the vendor and the resolution are left to the service, too.
    shape: Option<&'static str>,
    seconds: u64,
}

/// The forms of the first clip: if the server rejects one, the next is tried.
const FORMS: [Form; 4] = [
    Form { name: "clip", shape: Some("aspect_ratio"), seconds: 1 },
    Form { name: "clip-aspect", shape: Some("aspect"), seconds: 1 },
    Form { name: "clip-plain", shape: None, seconds: 1 },
    Form { name: "clip-long", shape: None, seconds: 5 },
];
/// The forms of the clip that is cancelled.
const CANCELLED: [Form; 2] = [
    Form { name: "cancelled", shape: Some("aspect"), seconds: 1 },
    Form { name: "cancelled-plain", shape: None, seconds: 1 },
];

impl ClipRequest {
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

impl Form {
    fn described(self) -> String {
        let shape =
            self.shape.map_or("without an aspect ratio".to_owned(), |shape| format!("with `{shape}`"));
        format!("a request for {} s {shape}", self.seconds)
    }
}

impl Probe<'_> {
    pub(super) fn clips(&mut self, capabilities: &Capabilities) -> anyhow::Result<()> {
        let Some((order, clip)) = self.first_accepted("a clip", &FORMS, capabilities, None)? else {
            return Ok(());
        };
        self.repetitions(&order, &clip)?;
        self.cancelled_clip(capabilities, &order, &clip)?;
        self.invalid_orders()?;
        if self.follow(&clip)? {
            self.finished(&clip, &order, capabilities)?;
            self.retention(&clip)?;
        }
        self.deletion(&clip)
    }

    /// Whether so much more can be paid. Otherwise the reader is told what was left out.
    fn allows(&mut self, what: &str, price: u64) -> bool {
        let allows = self.budget.allows(price);
        if !allows {
            let price = dollars(price);
            let spent = dollars(self.budget.spent());
            let spend = dollars(self.options.allowance.map_or(0, |allowance| allowance.spend));
            self.leave_out(format!(
                "{what}: it can cost {price} USD, and {spent} of {spend} USD are spent; raise --spend, or state a lower \
                 --clip-price if a clip of 1 s costs less"
            ));
        }
        allows
    }

    fn order(&self, form: Form, capabilities: &Capabilities) -> ClipRequest {
        let mut body = Map::new();
        body.insert("prompt".to_owned(), json!(format!("a red cube turns on a white table ({})", form.name)));
        body.insert("duration_seconds".to_owned(), json!(form.seconds));
        if let Some(shape) = form.shape {
            body.insert(shape.to_owned(), json!("9:16"));
            body.insert("prefer".to_owned(), json!("cheapest"));
            body.extend(
                capabilities.resolution.map(|resolution| ("resolution".to_owned(), json!(resolution))),
            );
        }
        ClipRequest { key: self.key(form.name), body, form }
    }

    /// Sends the forms of a request until the server does not reject one. `earlier` is the clip that was made before.
    fn first_accepted(
        &mut self,
        purpose: &str,
        forms: &[Form],
        capabilities: &Capabilities,
        earlier: Option<(&ClipRequest, &JobId)>,
    ) -> anyhow::Result<Option<(ClipRequest, JobId)>> {
        let known = earlier.map(|(_, id)| id);
        let mut rejected: Vec<(Form, usize, String)> = Vec::new();
        for form in forms {
            let price = match form.shape {
                Some(_) => self.budget.price(),
                None => self.budget.highest_price(),
            };
            if !self.allows(purpose, price.saturating_mul(form.seconds)) {
                return Ok(None);
            }
            let order = self.order(*form, capabilities);
            let reply = self.ask(purpose, order.request())?;
            if reply.rejects_the_content() {
                rejected.push((
                    *form,
                    reply.number,
                    format!("{} is {}", form.described(), reply.described()),
                ));
                continue;
            }
            anyhow::ensure!(
                !reply.is_outage(),
                "`generate` responds {}; run the same command again to continue",
                reply.described()
            );
            // Some services respond like this to a request that they know already.
            if reply.repeats > 0 && matches!(reply.status(), 400 | 409 | 422) {
                self.may_have_made(&format!(
                    "`generate` responds {} to a request that was sent again",
                    reply.described()
                ));
                return Ok(None);
            }
            let id = self.made(&reply, known);
            if id.is_some() && id.as_ref() == known {
                self.budget.may_have_charged();
                self.leave_out(format!(
                    "{purpose}: under another idempotency key, `generate` responds with the first job"
                ));
                return Ok(None);
            }
            if id.is_none() && reply.is_rejected() {
                self.leave_out(format!("{purpose}: {} is {}", form.described(), reply.described()));
            }
            let Some(id) = id else { return Ok(None) };
            let earlier = earlier.and_then(|(order, _)| order.form.shape);
            self.accepted(&order, &reply, &rejected, earlier);
            return Ok(Some((order, id)));
        }
        self.leave_out(format!("{purpose}: {}", rejected.pop().map(|(.., found)| found).unwrap_or_default()));
        Ok(None)
    }

    /// Judges the members of an order that was accepted, and those of the forms that were rejected before it. `earlier` is the member
    /// with the aspect ratio of an order that was accepted earlier.
    fn accepted(
        &mut self,
        order: &ClipRequest,
        reply: &Reply,
        rejected: &[(Form, usize, String)],
        earlier: Option<&str>,
    ) {
        let findings = &mut self.judge.findings;
        for statement in ["GenerateRequest", "GenerateRequest.prompt"] {
            findings.confirm(statement, reply.number);
        }
        for (form, number, found) in rejected {
            match (form.shape, order.form.shape) {
                // Nothing else differs.
                (Some("aspect_ratio"), Some("aspect")) => {
                    let found = format!("{found}; the same request with `aspect` is accepted");
                    findings.contradict("GenerateRequest.aspect_ratio", *number, found);
                }
                (Some("aspect"), None) if earlier == Some("aspect_ratio") => {
                    let found = format!("{found}; the same request with `aspect_ratio` was accepted");
                    findings.contradict("GenerateRequest.aspect", *number, found);
                }
                _ => findings.observe("rejected", found.clone()),
            }
        }
    }

    /// Repeats an order under its idempotency key. A server that ignores it makes, and charges for, another job each time.
    fn repetitions(&mut self, order: &ClipRequest, id: &JobId) -> anyhow::Result<()> {
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
            if !self.allows(purpose, self.budget.price()) {
                return Ok(());
            }
            let reply = self.ask(purpose, request)?;
            let shown = self.made(&reply, Some(id));
            if reply.is_outage() {
                continue;
            }
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
            if holds && statement == rules::REPLAY.name {
                let cost = reply.metadata()["cost_usd"].to_string();
                self.judge.findings.observe("cost that a repetition states", cost);
            }
            if holds && statement == "parameter Idempotency-Key" {
                self.judge.findings.confirm("IdempotencyKey", reply.number);
            }
            match holds {
                true => self.judge.findings.confirm(statement, reply.number),
                false => self.judge.findings.contradict(statement, reply.number, found),
            }
            if shown.is_some() && !holds {
                self.resent_without_keys();
            }
        }
        Ok(())
    }

    /// The server ignores idempotency keys: each request that was sent again may have made another clip.
    fn resent_without_keys(&mut self) {
        for _ in 0..std::mem::take(&mut self.resent) {
            self.may_have_made("the response was lost, and the server ignores idempotency keys");
        }
    }

    /// Makes a second clip, and cancels it at once.
    fn cancelled_clip(
        &mut self,
        capabilities: &Capabilities,
        first: &ClipRequest,
        older: &JobId,
    ) -> anyhow::Result<()> {
        // A form that was rejected is not sent again.
        let forms = if first.form.shape.is_none() { &CANCELLED[1..] } else { &CANCELLED[..] };
        let earlier = Some((first, older));
        let Some((_, id)) = self.first_accepted("a clip to cancel", forms, capabilities, earlier)? else {
            return Ok(());
        };
        let cancel = Request::post(id.path("cancel")).with_key(&self.key("cancel"));
        let cancel = cancel.with_json(&json!({"job_id": id.value()}));
        let mut reply = self.ask("a cancellation", cancel.clone())?;
        for _ in 0..LAGS {
            // The job may not be known everywhere yet.
            if reply.status() == 404 {
                self.recorder.wait(POLL[0]);
                reply = self.ask("a cancellation", cancel.clone())?;
            }
        }
        self.newest_first(older, &id)?;
        self.one_job()?;
        if reply.is_accepted() {
            self.judge.findings.confirm("CancelRequest", reply.number);
            let again = self.ask("the same cancellation again", cancel)?;
            if self.replayed(&reply, &again) {
                self.judge.findings.confirm(rules::REPLAYED_WRITE.name, again.number);
            }
        }
        self.after_cancellation(&id, &reply)
    }

    /// Judges the job whose cancellation got this response.
    fn after_cancellation(&mut self, id: &JobId, cancelled: &Reply) -> anyhow::Result<()> {
        let mut status = self.ask("the cancelled job", Request::get(id.path("status")))?;
        for _ in 0..LAGS {
            let is_final = status.job().is_none_or(|job| job.is_final());
            if cancelled.is_accepted() && !is_final {
                self.recorder.wait(POLL[1]);
                status = self.ask("the cancelled job", Request::get(id.path("status")))?;
            }
        }
        let Some(job) = status.job().filter(|_| status.is_accepted()) else { return Ok(()) };
        // A job can finish before it is cancelled.
        if cancelled.is_accepted() || !job.is_final() {
            let found = format!("a job is {:?} after `cancel` was {}", job.state(), cancelled.described());
            self.rule(rules::CANCEL, &status, job.is_cancelled(), found);
        }
        if job.is_final() && !job.has_succeeded() {
            let link =
                self.ask("a link to a clip that does not exist", Request::get(id.path("download_url")))?;
            let found = format!("a link to the clip of a job without one is {}", link.described());
            self.rule(rules::NO_CLIP, &link, link.status() == 409, found);
        }
        Ok(())
    }

    /// Orders that are invalid: they make no job.
    fn invalid_orders(&mut self) -> anyhow::Result<()> {
        let post = |name: &str| Request::post(GENERATE).with_key(&self.key(name));
        let with = |member: &str, value: &str| {
            let mut body = json!({"prompt": "a red cube", "duration_seconds": 1});
            body[member] = json!(value);
            post(&format!("invalid-{member}")).with_json(&body)
        };
        let rules = [
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
        // A server that rejects a value knows the member.
        let members = [
            (
                ["AspectRatio", "GenerateRequest.aspect_ratio"],
                "an invalid `aspect_ratio`",
                with("aspect_ratio", "7:5"),
            ),
            (["AspectRatio", "GenerateRequest.aspect"], "an invalid `aspect`", with("aspect", "7:5")),
            (["Preference", "GenerateRequest.prefer"], "an invalid `prefer`", with("prefer", "strangest")),
        ];
        let price = self.budget.price();
        for (rule, expected, purpose, request) in rules {
            if !self.allows(purpose, price) {
                return Ok(());
            }
            let reply = self.ask_malformed(purpose, request)?;
            if !reply.is_outage() {
                self.made(&reply, None);
            }
            let found = format!("{purpose} is {}", reply.described());
            self.rule(rule, &reply, reply.status() == expected, found);
        }
        // If the server accepts them, it chooses the vendor and the resolution.
        let price = self.budget.highest_price();
        for (statements, purpose, request) in members {
            if !self.allows("invalid values of `aspect_ratio`, `aspect` and `prefer`", price) {
                return Ok(());
            }
            let reply = self.ask(purpose, request)?;
            self.made(&reply, None);
            self.judge.findings.observe(purpose, reply.described());
            if reply.rejects_the_content() {
                statements.iter().for_each(|statement| self.judge.findings.confirm(statement, reply.number));
            }
        }
        Ok(())
    }

    /// Polls a job until it is final. Returns whether it has succeeded. A job that takes too long is cancelled.
    fn follow(&mut self, id: &JobId) -> anyhow::Result<bool> {
        let began = self.recorder.waited;
        loop {
            let reply = self.ask("the state of the clip", Request::get(id.path("status")))?;
            self.status_of(&reply, id, Owner::Run);
            let waited = self.recorder.waited - began;
            if let Some(job) = reply.job().filter(|job| job.is_final()) {
                let seen = if waited.is_zero() {
                    "at once".to_owned()
                } else {
                    format!("after {} s", waited.as_secs())
                };
                self.judge.findings.observe("the clip is final", seen);
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
                self.ask(
                    "the cancellation of a slow job",
                    Request::post(id.path("cancel")).with_key(&self.key("slow")),
                )?;
                return Ok(false);
            }
            self.recorder.wait((waited / 4).clamp(POLL[0], POLL[1]));
        }
    }

    /// What is known of a clip that has succeeded.
    fn finished(
        &mut self,
        id: &JobId,
        order: &ClipRequest,
        capabilities: &Capabilities,
    ) -> anyhow::Result<()> {
        let reply = self.ask("the details of the clip", Request::get(id.path("get")))?;
        if let Some(job) = reply.job().filter(|_| reply.is_accepted()) {
            let findings = &mut self.judge.findings;
            let requested = order.form.seconds as f64;
            if let Some(seconds) = job.0["duration_seconds"].as_f64() {
                let statement = "GenerateRequest.duration_seconds";
                let found = format!("a clip of {requested} s has {seconds} s");
                match (seconds - requested).abs() < 0.5 {
                    true => findings.confirm(statement, reply.number),
                    false => findings.contradict(statement, reply.number, found),
                }
            }
            let wanted = capabilities.resolution.filter(|_| order.form.shape.is_some());
            if let (Some(size), Some(wanted)) = (job.0["resolution"].as_str(), wanted) {
                let found = format!("a clip of {wanted} has {size:?}");
                match ["720p", "1080p", "4k"].contains(&size) {
                    _ if size == wanted => findings.confirm("GenerateRequest.resolution", reply.number),
                    true => findings.contradict("GenerateRequest.resolution", reply.number, found),
                    false => findings.contradict("ReportedResolution", reply.number, found),
                }
            }
        }
        let reply = self.ask("a link to the clip", Request::get(id.path("download_url")))?;
        if let Some(url) = self.link(&reply, Owner::Run)? {
            self.download(&url, order.form.shape)?;
        }
        let cancel = Request::post(id.path("cancel")).with_key(&self.key("too-late"));
        let reply = self.ask("a cancellation that is too late, without a body", cancel)?;
        let found = format!("the cancellation of a final job is {}", reply.described());
        let without_body = matches!(reply.status(), 400 | 411 | 415 | 422);
        self.rule(rules::CANCEL_BODY, &reply, !without_body, found.clone());
        if !without_body {
            self.rule(rules::CANCEL_FINAL, &reply, reply.status() == 409, found);
        }
        Ok(())
    }
}
