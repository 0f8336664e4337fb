//! The types that each command prints. A command that prints JSON has a row here.

use infrai_video::types;
use schemars::{Schema, SchemaGenerator};

use super::reports::{
    BatchReport, ConfigPath, ConfigReport, DownloadReport, GenerateReport, ItemReport, JobReport, ListPage,
    ResumeStep, UsageReport,
};
use crate::failure::FailureLine;

/// The lines of one command.
pub(super) struct Row {
    /// The subcommand, or `failure`.
    pub(super) name: &'static str,
    /// What a line contains, and when it is printed.
    pub(super) description: &'static str,
    /// A line follows one of these schemas.
    pub(super) schemas: fn(&mut SchemaGenerator) -> Vec<Schema>,
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "generate",
        description: "One line: the job and its clip, also if the job failed; with --no-wait as soon as the job is accepted. With \
                --dry-run the request that would be sent.",
        schemas: |all| {
            vec![all.subschema_for::<GenerateReport<'_>>(), all.subschema_for::<types::GenerateRequest>()]
        },
    },
    Row {
        name: "wait",
        description: "One line for each job when it finishes.",
        schemas: |all| vec![all.subschema_for::<types::VideoJob>()],
    },
    Row {
        name: "status",
        description: "One line: the short form of the job.",
        schemas: |all| vec![all.subschema_for::<JobReport<'_, types::VideoJob>>()],
    },
    Row {
        name: "get",
        description: "One line: the long form of the job.",
        schemas: |all| vec![all.subschema_for::<JobReport<'_, types::VideoJobDetail>>()],
    },
    Row {
        name: "list",
        description: "One line for each page; with --watch, one for each job that is new or has another state.",
        schemas: |all| {
            vec![all.subschema_for::<ListPage<'_>>(), all.subschema_for::<JobReport<'_, types::VideoJob>>()]
        },
    },
    Row {
        name: "cancel",
        description: "One line for each job: its state afterwards.",
        schemas: |all| vec![all.subschema_for::<types::VideoJob>()],
    },
    Row {
        name: "delete",
        description: "One line for each job that was deleted.",
        schemas: |all| vec![all.subschema_for::<types::Acknowledgement>()],
    },
    Row {
        name: "delete-all",
        description: "One line: how many jobs were deleted.",
        schemas: |all| vec![all.subschema_for::<types::DeleteAllResult>()],
    },
    Row {
        name: "download",
        description: "One line for each clip that was saved.",
        schemas: |all| vec![all.subschema_for::<DownloadReport<'_>>()],
    },
    Row {
        name: "download-url",
        description: "One line: the link.",
        schemas: |all| vec![all.subschema_for::<types::DownloadLink>()],
    },
    Row {
        name: "set-retention",
        description: "One line: how long the clip is kept.",
        schemas: |all| vec![all.subschema_for::<types::Retention>()],
    },
    Row {
        name: "capabilities",
        description: "One line: the capabilities of each vendor.",
        schemas: |all| vec![all.subschema_for::<types::VideoCapabilities>()],
    },
    Row {
        name: "resume",
        description: "One line for each item that is saved; with --dry-run, one for each item, with what would be done.",
        schemas: |all| vec![all.subschema_for::<ItemReport>(), all.subschema_for::<ResumeStep>()],
    },
    Row {
        name: "batch",
        description: "One line: the report; one for each batch with `batch status` without a name.",
        schemas: |all| vec![all.subschema_for::<BatchReport>()],
    },
    Row {
        name: "config",
        description: "One line: the values in use with `config show`, the path with `config path`.",
        schemas: |all| vec![all.subschema_for::<ConfigReport>(), all.subschema_for::<ConfigPath>()],
    },
    Row {
        name: "usage",
        description: "One line: what was charged, by the ledger.",
        schemas: |all| vec![all.subschema_for::<UsageReport>()],
    },
    #[cfg(feature = "sandbox")]
    Row {
        name: "sandbox",
        description: "One line once it listens.",
        schemas: |all| vec![all.subschema_for::<super::Listening<'_>>()],
    },
    Row {
        name: "failure",
        description: "On stderr, one line for each failure. It begins with {, unlike other lines there.",
        schemas: |all| vec![all.subschema_for::<FailureLine<'_>>()],
    },
];
