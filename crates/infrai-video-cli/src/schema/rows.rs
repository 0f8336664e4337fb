//! Which structures each command prints. A command that prints JSON has a row here.

use infrai_video::types;
use schemars::{Schema, SchemaGenerator};

use crate::commands;
use crate::failure_line::FailureLine;
use crate::report::{BatchReport, ItemReport};

/// What is printed under one name.
pub(super) struct Row {
    /// The subcommand, or `failure`.
    pub(super) name: &'static str,
    /// What a line is, and when it comes.
    pub(super) about: &'static str,
    /// A line follows one of these.
    pub(super) schemas: fn(&mut SchemaGenerator) -> Vec<Schema>,
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "generate",
        about: "One line: the job and what became of it here, also if it failed, and with --no-wait as soon as it is \
                accepted. With --dry-run the request that would be sent.",
        schemas: |all| {
            vec![all.subschema_for::<commands::Outcome<'_>>(), all.subschema_for::<types::GenerateRequest>()]
        },
    },
    Row {
        name: "wait",
        about: "One line for each job as it ends.",
        schemas: |all| vec![all.subschema_for::<types::VideoJob>()],
    },
    Row {
        name: "status",
        about: "One line: the short form of the job.",
        schemas: |all| vec![all.subschema_for::<types::VideoJob>()],
    },
    Row {
        name: "get",
        about: "One line: the long form of the job.",
        schemas: |all| vec![all.subschema_for::<types::VideoJobDetail>()],
    },
    Row {
        name: "list",
        about: "One line for each page.",
        schemas: |all| vec![all.subschema_for::<types::VideoJobPage>()],
    },
    Row {
        name: "cancel",
        about: "One line for each job: what it is afterwards.",
        schemas: |all| vec![all.subschema_for::<types::VideoJob>()],
    },
    Row {
        name: "delete",
        about: "One line for each job that was deleted.",
        schemas: |all| vec![all.subschema_for::<types::Acknowledgement>()],
    },
    Row {
        name: "delete-all",
        about: "One line: how many jobs were deleted.",
        schemas: |all| vec![all.subschema_for::<types::DeleteAllResult>()],
    },
    Row {
        name: "download",
        about: "One line for each clip that was saved.",
        schemas: |all| vec![all.subschema_for::<commands::Downloaded<'_>>()],
    },
    Row {
        name: "download-url",
        about: "One line: the link.",
        schemas: |all| vec![all.subschema_for::<types::DownloadLink>()],
    },
    Row {
        name: "set-retention",
        about: "One line: how long the clip is kept.",
        schemas: |all| vec![all.subschema_for::<types::Retention>()],
    },
    Row {
        name: "capabilities",
        about: "One line: what each vendor can make.",
        schemas: |all| vec![all.subschema_for::<types::VideoCapabilities>()],
    },
    Row {
        name: "resume",
        about: "One line for each item that is saved; with --dry-run, one for each, with what would be done.",
        schemas: |all| vec![all.subschema_for::<ItemReport>(), all.subschema_for::<commands::ResumeStep>()],
    },
    Row {
        name: "batch",
        about: "One line: the report; of `batch status` without a name, one for each batch.",
        schemas: |all| vec![all.subschema_for::<BatchReport>()],
    },
    #[cfg(feature = "sandbox")]
    Row {
        name: "sandbox",
        about: "One line once it listens.",
        schemas: |all| vec![all.subschema_for::<commands::Listening<'_>>()],
    },
    Row {
        name: "failure",
        about: "On stderr, one line for each thing that went wrong. It begins with {, which no other line there does.",
        schemas: |all| vec![all.subschema_for::<FailureLine<'_>>()],
    },
];
