//! `sandbox --persist` in separate processes.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::common::{BINARY, KEY, Run};

/// A server with a state directory.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(mut command: Command, directory: &Path) -> Self {
        command
            .args(["sandbox", "--port=0", "--clock=manual", "--balance=1000", "--persist"])
            .arg(directory)
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .env("INFRAI_LEDGER", "none")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().expect("the command starts");
        let mut url = String::new();
        let stdout = process.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut url).expect("stdout is text");
        Self { process, url: url.trim_end().to_owned() }
    }

    /// Runs a command against the server.
    fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(BINARY);
        command
            .args(["--base-url", &self.url])
            .args(args)
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .env("INFRAI_LEDGER", "none")
            .env("INFRAI_API_KEY", KEY);
        command.output().expect("the command starts").into()
    }

    fn jobs(&self) -> BTreeSet<String> {
        let run = self.run(&["list", "--all"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let ids = run.text().lines().filter_map(|line| line.split('\t').next());
        ids.map(str::to_owned).collect()
    }

    /// Requests a clip. Returns status and body.
    async fn generate(&self, prompt: &str) -> (u16, Value) {
        let request = reqwest::Client::new()
            .post(format!("{}/v1/video/generate", self.url))
            .bearer_auth(KEY)
            .json(&json!({"prompt": prompt, "duration_seconds": 0.5}));
        let response = request.send().await.expect("a response");
        (response.status().as_u16(), response.json().await.expect("an envelope"))
    }

    /// Terminates the server. Returns its stderr.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
        assert_eq!(self.process.wait().expect("it ends").code(), Some(143));
        let mut said = String::new();
        let stderr = self.process.stderr.take().expect("stderr is a pipe");
        BufReader::new(stderr).read_to_string(&mut said).expect("stderr is text");
        said
    }
}

impl Drop for Server {
    /// A failed test leaves no server behind.
    fn drop(&mut self) {
        // It has exited if the test passed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_persistent_sandbox_names_its_directory_and_loads_its_state() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state");
    let server = Server::start(Command::new(BINARY), &state);
    let made = server.run(&["generate", "a lighthouse", "--duration=0.5", "--no-wait", "-q"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let said = server.stop();
    assert!(said.contains(&format!("and keeps its state in {}", state.display())), "{said}");
    assert!(!said.contains("keeps nothing"));

    let server = Server::start(Command::new(BINARY), &state);
    assert_eq!(server.jobs(), BTreeSet::from([made.text().trim_end().to_owned()]));
    server.stop();
}

#[test]
fn a_second_server_and_another_seed_are_rejected() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = |seed: &str| {
        let mut command = Command::new(BINARY);
        command
            .args(["sandbox", "--port=0", "--seed", seed, "--persist"])
            .arg(directory.path())
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .env("INFRAI_LEDGER", "none");
        Run::from(command.output().expect("the command starts"))
    };
    let server = Server::start(Command::new(BINARY), directory.path());
    let second = refused("7");
    let message = format!(
        "the sandbox cannot be started: {} is in use by another sandbox: stop that one, or choose another directory",
        directory.path().display()
    );
    assert!(second.failed(1).contains(&message), "{}", second.stderr);
    server.stop();
    assert!(refused("8").failed(1).contains("sandbox with seed 7, not 8"));
}

/// A limit on the file size has the effect of a full disk.
#[tokio::test]
async fn a_full_disk_stops_acceptance_and_loses_no_accepted_job() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"", BINARY]);
    let server = Server::start(limited, directory.path());
    let prompt = "a lighthouse in a storm ".repeat(1000);
    let mut accepted = BTreeSet::new();
    let refusal = loop {
        let (status, response) = server.generate(&prompt).await;
        if status != 200 {
            assert_eq!(status, 503, "{response}");
            break response;
        }
        accepted.insert(response["data"]["job_id"].as_str().expect("an id").to_owned());
        assert!(accepted.len() < 1000, "the limit has no effect");
    };
    assert!(!accepted.is_empty());
    let message = refusal["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("the sandbox cannot store its state: "), "{message}");
    assert_eq!(server.generate("a harbour").await.0, 503);
    let said = server.stop();
    assert!(said.contains("sandbox"), "{said}");

    let server = Server::start(Command::new(BINARY), directory.path());
    assert_eq!(server.jobs(), accepted);
    server.stop();
}

/// The server is killed while 16 callers send requests.
#[cfg(unix)]
#[tokio::test]
async fn a_kill_loses_no_accepted_job_and_charges_only_for_jobs() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut accepted = BTreeSet::new();
    for round in 1..=5 {
        let mut server = Server::start(Command::new(BINARY), directory.path());
        let (sender, mut responses) = tokio::sync::mpsc::unbounded_channel();
        for caller in 0..16 {
            let (url, sender) = (format!("{}/v1/video/generate", server.url), sender.clone());
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                for number in 0.. {
                    let body =
                        json!({"prompt": format!("{round} {caller} {number}"), "duration_seconds": 0.1});
                    // Fails once the server is killed.
                    let Ok(response) = client.post(&url).bearer_auth(KEY).json(&body).send().await else {
                        break;
                    };
                    let Ok(job) = response.json::<Value>().await else { break };
                    let id = job["data"]["job_id"].as_str().expect("an accepted job").to_owned();
                    if sender.send(id).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for _ in 0..37 * round {
            accepted.insert(responses.recv().await.expect("a response"));
        }
        server.process.kill().expect("it runs");
        server.process.wait().expect("it ends");
        while let Some(id) = responses.recv().await {
            accepted.insert(id);
        }

        let server = Server::start(Command::new(BINARY), directory.path());
        let jobs = server.jobs();
        assert!(jobs.is_superset(&accepted), "round {round}: {} of {}", jobs.len(), accepted.len());
        let ledger = reqwest::get(format!("{}/__sandbox/ledger", server.url)).await.expect("a response");
        let ledger: Value = ledger.json().await.expect("JSON");
        let entries = ledger["entries"].as_array().expect("entries");
        let charges = entries.iter().filter(|entry| entry["kind"] == "charge").count();
        assert_eq!((charges, &ledger["double_charges"]), (jobs.len(), &json!(0)), "round {round}");
        server.stop();
    }
}
