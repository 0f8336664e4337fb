//! The axum service: requests of its callers, a signal, and the next start.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::time::Duration;

use infrai_video_sandbox::Sandbox;

use super::programs::Program;
use super::{sandbox, start};

/// A running service, which is killed if the test fails.
struct Service {
    process: Child,
    lines: std::sync::mpsc::Receiver<String>,
    url: String,
    http: reqwest::Client,
}

impl Service {
    async fn start(program: &Program) -> Self {
        let mut process = program.command().spawn().expect("the service can be started");
        let stdout = BufReader::new(process.stdout.take().expect("its output is piped"));
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut service = Self { process, lines, url: String::new(), http };
        let line = service.line_with("listening on ");
        service.url = line.split("listening on ").nth(1).expect("the line has a URL").to_owned();
        service
    }

    /// Waits for a line of its output.
    fn line_with(&self, text: &str) -> String {
        tokio::task::block_in_place(|| {
            loop {
                let line = self.lines.recv_timeout(Duration::from_secs(60));
                let line = line.unwrap_or_else(|_| panic!("the service did not print {text:?}"));
                if line.contains(text) {
                    return line;
                }
            }
        })
    }

    async fn submit(&self, key: &str, prompt: &'static str) -> (u16, String) {
        let request = self.http.post(format!("{}/clips", self.url)).header("Idempotency-Key", key);
        let response = request.body(prompt).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap().trim().to_owned())
    }

    async fn status(&self, id: &str) -> (u16, String) {
        let response = self.http.get(format!("{}/clips/{id}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap().trim().to_owned())
    }

    /// Sends SIGTERM, and waits until it has exited.
    fn terminate(mut self) {
        let sent = Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        assert!(sent.success());
        self.line_with("shutting down");
        let status = tokio::task::block_in_place(|| self.process.wait()).unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _exited = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn program(sandbox: &Sandbox) -> Program {
    Program::new("axum_service", sandbox).with("LISTEN", "127.0.0.1:0")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_saves_the_clip_of_a_caller_that_sends_its_request_twice() {
    let sandbox = start(sandbox()).await;
    let program = program(&sandbox);
    let service = Service::start(&program).await;

    let (code, id) = service.submit("order-17", "a lighthouse in a storm").await;
    assert_eq!(code, 202);
    assert_eq!(service.submit("order-17", "a lighthouse in a storm").await, (202, id.clone()));
    assert_eq!(service.submit("order-17", "another prompt").await.0, 409);
    assert_eq!(service.submit("order-18", " ").await.0, 422);
    let without_key = service.http.post(format!("{}/clips", service.url)).body("a river at dawn");
    assert_eq!(without_key.send().await.unwrap().status().as_u16(), 428);
    assert_eq!(service.status("vj_unknown").await.0, 404);

    service.line_with(&format!("saved clips/{id}.mp4"));
    assert_eq!(service.status(&id).await, (200, format!("saved clips/{id}.mp4")));
    service.terminate();
    assert_eq!(sandbox.ledger().charges().count(), 1);
    assert!(program.read(&format!("clips/{id}.mp4")) == sandbox.clip_bytes(&id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_killed_saves_its_clips_after_the_next_start() {
    let sandbox = start(sandbox()).await;
    let program = program(&sandbox);
    let mut service = Service::start(&program).await;
    let (_, id) = service.submit("order-17", "a river at dawn").await;
    service.process.kill().unwrap();
    drop(service);

    let service = Service::start(&program).await;
    service.line_with(&format!("saved clips/{id}.mp4"));
    service.terminate();
    assert_eq!(sandbox.ledger().charges().count(), 1);
}
