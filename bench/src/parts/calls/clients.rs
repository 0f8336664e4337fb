//! The measured clients, and how each is run.

use std::process::Command;

use crate::measure::fixed_server::{FixedServer, Programs, Samples, on_core};
use crate::measure::generated_clients::Generated;
use crate::measure::report::{Report, run};

/// A measured client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Sdk,
    Reqwest,
    OpenapiGenerator,
    OpenapiPython,
    OpenapiFetch,
    Hyper,
    HyperBytes,
    Socket,
}

impl Client {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 8] = [
        Self::Sdk,
        Self::Reqwest,
        Self::OpenapiGenerator,
        Self::OpenapiPython,
        Self::OpenapiFetch,
        Self::Hyper,
        Self::HyperBytes,
        Self::Socket,
    ];

    /// The name in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Sdk => "ours",
            Self::Reqwest => "reqwest, by hand",
            Self::OpenapiGenerator => "openapi-generator, Rust",
            Self::OpenapiPython => "openapi-python-client",
            Self::OpenapiFetch => "openapi-fetch, Node.js",
            Self::Hyper => "hyper, by hand",
            Self::HyperBytes => "hyper, undecoded",
            Self::Socket => "limit: a bare socket",
        }
    }

    /// Whether it is generated.
    #[cfg(test)]
    pub(crate) fn is_generated(self) -> bool {
        matches!(self, Self::OpenapiGenerator | Self::OpenapiPython | Self::OpenapiFetch)
    }

    /// Whether its instructions and allocations are counted.
    pub(crate) fn is_rust(self) -> bool {
        !matches!(self, Self::OpenapiPython | Self::OpenapiFetch)
    }

    /// Whether it takes part in every round. The others take so long that they run in some rounds alone.
    pub(crate) fn is_fast(self) -> bool {
        self.is_rust()
    }

    /// Calls for a tenth of a second or more, after enough calls to warm up a just-in-time compiler.
    pub(crate) fn plan(self, in_flight: usize) -> Plan {
        let (warm_up, measured) = match self {
            Self::OpenapiPython if in_flight == 1 => (256, 1024),
            // Its pool checks every connection for every call.
            Self::OpenapiPython => (128, 256),
            Self::OpenapiFetch => (2048, 4096),
            _ if in_flight == 1 => (512, 2048),
            _ => (2048, 8192),
        };
        Plan { warm_up, measured, in_flight }
    }
}

/// The numbers of calls; multiples of those in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) warm_up: usize,
    pub(crate) measured: usize,
    pub(crate) in_flight: usize,
}

/// The processor core of the clients.
const CLIENT_CORE: usize = 0;

/// The processor core of their server.
pub(crate) const SERVER_CORE: usize = 1;

/// Everything that the clients need to run.
#[derive(Debug)]
pub(crate) struct Clients<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) generated: &'a Generated,
    pub(crate) server: &'a FixedServer,
    pub(crate) samples: &'a Samples,
}

impl Clients<'_> {
    /// Runs a client, with its allocations `counted` or not, and checks its work.
    pub(crate) fn run(&self, who: Client, plan: Plan, counted: bool) -> anyhow::Result<Report> {
        let [taskset, arguments @ ..] = on_core(CLIENT_CORE);
        let report = run(Command::new(taskset).args(arguments).args(self.line(who, plan, counted)))?;
        self.check(who, plan, &report)?;
        Ok(report)
    }

    /// Fails if the client sent a wrong number of requests, or decoded another result than the others.
    pub(crate) fn check(&self, who: Client, plan: Plan, report: &Report) -> anyhow::Result<()> {
        self.server.expect_seen(plan.warm_up + plan.measured, &format!("{who:?}"))?;
        let mut job = report.result.clone();
        if let Some(members) = job.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        if job == self.samples.job {
            return Ok(());
        }
        Err(anyhow::anyhow!("{who:?} read {job}, not {}", self.samples.job))
    }

    /// The program and its arguments.
    pub(crate) fn line(&self, who: Client, plan: Plan, counted: bool) -> Vec<String> {
        let client = if counted { &self.programs.counted } else { &self.programs.client };
        let generated = if counted { &self.generated.rust_counted } else { &self.generated.rust };
        let [python, script] = &self.generated.python;
        let mut line = match who {
            Client::OpenapiGenerator => vec![generated.as_os_str()],
            Client::OpenapiPython => vec![python.as_os_str(), script.as_os_str()],
            Client::OpenapiFetch => vec!["node".as_ref(), self.generated.typescript.as_os_str()],
            Client::Sdk => vec![client.as_os_str(), "status".as_ref(), "sdk".as_ref()],
            Client::Reqwest => vec![client.as_os_str(), "status".as_ref(), "reqwest".as_ref()],
            Client::Hyper => vec![client.as_os_str(), "status".as_ref(), "hyper".as_ref()],
            Client::HyperBytes => vec![client.as_os_str(), "status".as_ref(), "hyper-bytes".as_ref()],
            Client::Socket => vec![client.as_os_str(), "status".as_ref(), "socket".as_ref()],
        }
        .into_iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>();
        line.extend([self.server.base_url().to_owned(), self.samples.id.clone()]);
        line.extend([plan.warm_up, plan.measured, plan.in_flight].map(|count| count.to_string()));
        line
    }
}
