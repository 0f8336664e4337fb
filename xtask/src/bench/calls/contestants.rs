//! Who takes part, and how each is run.

use std::process::Command;

use super::super::Length;
use super::super::fixed::{FixedServer, Programs, Samples};
use super::super::generated::Generated;
use super::super::report::{Report, run};

/// One who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contestant {
    Sdk,
    Reqwest,
    OpenapiGenerator,
    OpenapiPythonClient,
    OpenapiFetch,
    Hyper,
    HyperBytes,
    Socket,
}

impl Contestant {
    /// In the order of the table.
    pub(super) const ALL: [Self; 8] = [
        Self::Sdk,
        Self::Reqwest,
        Self::OpenapiGenerator,
        Self::OpenapiPythonClient,
        Self::OpenapiFetch,
        Self::Hyper,
        Self::HyperBytes,
        Self::Socket,
    ];

    /// What the table calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Sdk => "ours",
            Self::Reqwest => "reqwest, by hand",
            Self::OpenapiGenerator => "openapi-generator, Rust",
            Self::OpenapiPythonClient => "openapi-python-client",
            Self::OpenapiFetch => "openapi-fetch, Node.js",
            Self::Hyper => "hyper, by hand",
            Self::HyperBytes => "hyper, undecoded",
            Self::Socket => "limit: a bare socket",
        }
    }

    /// Whether a generator made it.
    pub(super) fn is_generated(self) -> bool {
        matches!(self, Self::OpenapiGenerator | Self::OpenapiPythonClient | Self::OpenapiFetch)
    }

    /// Whether its instructions and allocations are counted.
    pub(super) fn is_rust(self) -> bool {
        !matches!(self, Self::OpenapiPythonClient | Self::OpenapiFetch)
    }

    /// As many calls as take about a second, after as many as a just-in-time compiler needs.
    pub(super) fn plan(self, in_flight: usize, length: Length) -> Plan {
        let measured = match self {
            Self::OpenapiPythonClient if in_flight == 1 => 2048,
            // Its pool looks at every connection for every call.
            Self::OpenapiPythonClient => 512,
            Self::OpenapiFetch => 8192,
            _ if in_flight == 1 => 16_384,
            _ => 32_768,
        };
        let measured = if length == Length::Full { measured } else { measured / 8 };
        let warm_up = if self == Self::OpenapiFetch { 2048 } else { 256 };
        Plan { warm_up: (measured / 4).max(warm_up), measured, in_flight }
    }
}

/// How many calls are made; multiples of those in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) warm_up: usize,
    pub(super) measured: usize,
    pub(super) in_flight: usize,
}

/// All that they need.
#[derive(Debug)]
pub(super) struct Contestants<'a> {
    pub(super) programs: &'a Programs,
    pub(super) generated: &'a Generated,
    pub(super) server: &'a FixedServer,
    pub(super) samples: &'a Samples,
}

impl Contestants<'_> {
    /// Runs one, with its allocations `counted` or not, and checks that it did the work.
    pub(super) fn run(&self, who: Contestant, plan: Plan, counted: bool) -> Result<Report, String> {
        let [program, arguments @ ..] = &self.line(who, plan, counted)[..] else {
            return Err(format!("{who:?} has no program"));
        };
        let report = run(Command::new(program).args(arguments))?;
        self.check(who, plan, &report)?;
        Ok(report)
    }

    /// Fails where it made other calls than it should, or read something else than the others.
    pub(super) fn check(&self, who: Contestant, plan: Plan, report: &Report) -> Result<(), String> {
        self.server.expect_seen(plan.warm_up + plan.measured, &format!("{who:?}"))?;
        let mut job = report.answer.clone();
        if let Some(members) = job.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        if job == self.samples.job {
            return Ok(());
        }
        Err(format!("{who:?} read {job}, not {}", self.samples.job))
    }

    /// The program and its arguments.
    pub(super) fn line(&self, who: Contestant, plan: Plan, counted: bool) -> Vec<String> {
        let contestant = if counted { &self.programs.counted } else { &self.programs.contestant };
        let generated = if counted { &self.generated.rust_counted } else { &self.generated.rust };
        let [python, script] = &self.generated.python;
        let mut line = match who {
            Contestant::OpenapiGenerator => vec![generated.as_os_str()],
            Contestant::OpenapiPythonClient => vec![python.as_os_str(), script.as_os_str()],
            Contestant::OpenapiFetch => vec!["node".as_ref(), self.generated.typescript.as_os_str()],
            Contestant::Sdk => vec![contestant.as_os_str(), "status".as_ref(), "sdk".as_ref()],
            Contestant::Reqwest => vec![contestant.as_os_str(), "status".as_ref(), "reqwest".as_ref()],
            Contestant::Hyper => vec![contestant.as_os_str(), "status".as_ref(), "hyper".as_ref()],
            Contestant::HyperBytes => vec![contestant.as_os_str(), "status".as_ref(), "hyper-bytes".as_ref()],
            Contestant::Socket => vec![contestant.as_os_str(), "status".as_ref(), "socket".as_ref()],
        }
        .into_iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>();
        line.extend([self.server.base_url.clone(), self.samples.id.clone()]);
        line.extend([plan.warm_up, plan.measured, plan.in_flight].map(|count| count.to_string()));
        line
    }
}
