//! Examples as programs: this test program, started again.

use std::fmt::Debug;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use infrai_video_sandbox::Sandbox;
use tempfile::TempDir;

#[path = "../../examples/axum_service.rs"]
mod axum_service;
#[cfg(feature = "ring")]
#[path = "../../examples/custom_tls_and_proxy.rs"]
mod custom_tls_and_proxy;
#[path = "../../examples/many_jobs.rs"]
mod many_jobs;
#[cfg(feature = "ring")]
#[path = "../../examples/own_transport.rs"]
mod own_transport;
#[path = "../../examples/quickstart.rs"]
mod quickstart;
#[path = "../../examples/survive_restart.rs"]
mod survive_restart;
#[path = "../../examples/tracing.rs"]
mod tracing_example;

/// The API key of all examples.
pub(crate) const KEY: &str = "ifr_pk_proj_examples";

/// The process of an example, if `EXAMPLE` names one. As a test it does nothing.
#[test]
fn process_of_an_example() {
    let Ok(example) = std::env::var("EXAMPLE") else { return };
    match &*example {
        "axum_service" => exit(axum_service::main()),
        #[cfg(feature = "ring")]
        "custom_tls_and_proxy" => exit(custom_tls_and_proxy::main()),
        "many_jobs" => exit(many_jobs::main()),
        #[cfg(feature = "ring")]
        "own_transport" => exit(own_transport::main()),
        "quickstart" => exit(quickstart::main()),
        "survive_restart" => exit(survive_restart::main()),
        "test_with_faults" => exit(super::test_with_faults::main()),
        "tracing" => exit(tracing_example::main()),
        other => panic!("there is no example {other}"),
    }
}

/// Exits as Rust does after `main`.
fn exit(result: Result<(), impl Debug>) -> ! {
    match result {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("Error: {error:?}");
            std::process::exit(1)
        }
    }
}

/// An example with its environment and its working directory.
pub(crate) struct Program {
    example: &'static str,
    variables: Vec<(&'static str, String)>,
    directory: Arc<TempDir>,
}

impl Program {
    /// The example in an empty directory, as a client of this sandbox.
    pub(crate) fn new(example: &'static str, sandbox: &Sandbox) -> Self {
        let variables = vec![
            ("EXAMPLE", example.to_owned()),
            ("INFRAI_API_KEY", KEY.to_owned()),
            ("INFRAI_BASE_URL", sandbox.base_url().to_owned()),
        ];
        let directory = tempfile::tempdir().expect("a temporary directory can be created");
        Self { example, variables, directory: Arc::new(directory) }
    }

    /// Sets an environment variable.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Uses the working directory of another program.
    pub(crate) fn in_directory_of(mut self, other: &Self) -> Self {
        self.directory = Arc::clone(&other.directory);
        self
    }

    /// The command that starts the example.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command
            .args(["programs::process_of_an_example", "--exact", "--nocapture", "--test-threads=1"])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the example to its end.
    pub(crate) async fn run(&self) -> Finished {
        let mut command = self.command();
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.expect("the task is not stopped").expect("the example can be started");
        Finished { example: self.example, output }
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// The names of the files in the working directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("the directory can be read");
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// An example that has run.
pub(crate) struct Finished {
    example: &'static str,
    output: Output,
}

impl Finished {
    /// What it printed, if it succeeded.
    #[track_caller]
    pub(crate) fn expect_success(self) -> String {
        let text = self.text();
        assert!(self.output.status.success(), "{} failed:\n{text}", self.example);
        text
    }

    /// What it printed, if it failed.
    #[track_caller]
    pub(crate) fn expect_failure(self) -> String {
        let text = self.text();
        assert!(!self.output.status.success(), "{} succeeded:\n{text}", self.example);
        text
    }

    fn text(&self) -> String {
        let Output { stdout, stderr, .. } = &self.output;
        format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
    }
}
