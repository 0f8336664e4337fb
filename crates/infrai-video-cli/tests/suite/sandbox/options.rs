//! The command `sandbox`: its options, its errors, and how it stops.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use infrai_video_sandbox::{Catalogue, Scenario};

use crate::common::{BINARY, KEY, Run};

fn command<S: AsRef<std::ffi::OsStr>>(directory: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).env_clear().env("INFRAI_API_KEY", KEY).current_dir(directory).stdin(Stdio::null());
    command
}

/// A sandbox that is stopped with the test.
struct Server {
    child: Child,
    /// The line that it printed on stdout.
    url: String,
    stderr: BufReader<ChildStderr>,
}

impl Server {
    fn start(directory: &Path, options: &[&str]) -> Self {
        let mut command = command(directory, ["sandbox", "--port", "0"].iter().chain(options));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut url).expect("stdout is text");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        Self { child, url: url.trim_end().to_owned(), stderr }
    }

    /// The rest of the next line of stderr with this label.
    fn told(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.stderr.read_line(&mut line).expect("stderr is text"),
                0,
                "nothing about {word:?}"
            );
            if let Some(told) = line.strip_prefix(word) {
                return told.trim().to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill is there").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A GET whose response may be delayed.
fn ask(url: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").expect("a URL")).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
        .expect("it takes the request");
    stream
}

fn get(url: &str, path: &str, headers: &str) -> String {
    let mut response = String::new();
    ask(url, path, headers).read_to_string(&mut response).expect("a response");
    response
}

#[test]
fn a_sandbox_starts_with_a_scenario_fault_rules_and_vendors() {
    let directory = tempfile::tempdir().unwrap();
    let one_vendor = Catalogue::default_toml().replacen("sandbox-swift", "mine", 1);
    std::fs::write(directory.path().join("vendors.toml"), one_vendor).unwrap();
    std::fs::write(directory.path().join("own.toml"), "[settings]\nstarting_balance_usd = 0").unwrap();
    let rule = "[[fault]]\noperation = 'list'\naction = 'status'\nstatus = 418";
    std::fs::write(directory.path().join("faults.toml"), rule).unwrap();
    let options = ["--catalogue", "vendors.toml", "--faults", "faults.toml", "--scenario", "own.toml"];
    let server = Server::start(directory.path(), &options);
    let run = |args: &[&str]| -> Run {
        let args = ["--base-url", &server.url].into_iter().chain(args.iter().copied());
        command(directory.path(), args).output().unwrap().into()
    };
    assert!(run(&["capabilities"]).text().starts_with("mine\t"));
    let refused = run(&["list"]);
    assert!(refused.stderr.contains("status 418"), "{}", refused.stderr);
    run(&["generate", "a lighthouse"]).failed(6);
}

#[test]
fn every_embedded_scenario_is_named_in_the_help_and_starts() {
    let directory = tempfile::tempdir().unwrap();
    let help = Run::from(command(directory.path(), ["sandbox", "--help"]).output().unwrap());
    for scenario in Scenario::all() {
        assert!(help.text().contains(scenario.name()), "{}", help.text());
    }
    let server = Server::start(directory.path(), &["--scenario", "poll-storm"]);
    let rules = get(&server.url, "/__sandbox/faults", "");
    assert!(rules.contains("sooner_than_seconds"), "{rules}");
}

#[test]
fn an_invalid_file_is_named_with_its_error() {
    let directory = tempfile::tempdir().unwrap();
    let rule = "[[fault]]\naction = 'stuck'\n\n[[fault]]\naction = 'explode'";
    for (name, text) in
        [("faults.toml", rule), ("faults.json", r#"[{"action": "stuk"}]"#), ("shape.toml", "\n\ncolour = 1")]
    {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let refused = |options: &[&str], names: &[&str]| {
        let args = ["sandbox", "--port", "0"].iter().chain(options);
        let run = Run::from(command(directory.path(), args).output().unwrap());
        let stderr = run.failed(7);
        for name in names {
            assert!(stderr.contains(name), "{name}: {stderr}");
        }
    };
    refused(&["--faults", "faults.toml"], &["faults.toml: fault rule 2, field action (line 5): ", "explode"]);
    refused(&["--scenario", "faults.toml"], &["faults.toml: fault rule 2, field action (line 5): "]);
    refused(
        &["--faults", "faults.json"],
        &["faults.json: fault rule 1, field action: ", "did you mean `stuck`?"],
    );
    for option in ["--faults", "--scenario", "--catalogue"] {
        refused(&[option, "shape.toml"], &["shape.toml: ", "(line 3): ", "colour"]);
        refused(&[option, "none.toml"], &["none.toml: it cannot be read"]);
    }
    refused(&["--scenario", "lost-answer"], &["`lost-answer`", "lost-response", "path of a file"]);
    refused(&["--public-url", "example"], &["public_url \"example\""]);
    refused(&["--admin-token", "tooshort"], &["at least 16"]);
}

#[test]
fn a_sandbox_on_the_network_generates_a_token_and_shows_it_once() {
    let directory = tempfile::tempdir().unwrap();
    let start = || {
        let mut server = Server::start(directory.path(), &["--public-url", "http://sandbox.example:8787"]);
        assert_eq!(server.url, "http://sandbox.example:8787");
        let listens = server.told("sandbox");
        let at = listens.split(' ').nth(2).unwrap().to_owned();
        let token =
            server.told("token").strip_prefix("export INFRAI_SANDBOX_ADMIN_TOKEN=").unwrap().to_owned();
        (server, at, token)
    };
    let (_server, at, token) = start();
    assert_eq!(token.len(), 48);
    assert!(get(&at, "/__sandbox/jobs", "").starts_with("HTTP/1.1 401 "));
    let with_token = get(&at, "/__sandbox/jobs", &format!("Authorization: Bearer {token}\r\n"));
    assert!(with_token.starts_with("HTTP/1.1 200 "), "{with_token}");
    assert_ne!(start().2, token, "each is another one");
}

#[test]
fn an_existing_token_is_used_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let token = "a-token-of-this-test-only";
    let mut server = Server::start(directory.path(), &["--admin-token", token, "--clock", "manual"]);
    let told = server.told("clock");
    assert!(told.contains("Bearer $INFRAI_SANDBOX_ADMIN_TOKEN") && !told.contains(token), "{told}");
    assert!(get(&server.url, "/__sandbox/jobs", "").starts_with("HTTP/1.1 401 "));
    let with_token = get(&server.url, "/__sandbox/jobs", &format!("Authorization: Bearer {token}\r\n"));
    assert!(with_token.starts_with("HTTP/1.1 200 "), "{with_token}");
}

#[cfg(unix)]
#[test]
fn a_request_in_progress_is_waited_for_until_a_second_signal() {
    let directory = tempfile::tempdir().unwrap();
    let rule = "[[fault]]\noperation = 'list'\naction = 'hang'";
    std::fs::write(directory.path().join("hang.toml"), rule).unwrap();
    let mut server = Server::start(directory.path(), &["--faults", "hang.toml"]);
    let _hangs = ask(&server.url, "/v1/video/list", "");
    while !get(&server.url, "/__sandbox/journal", "").contains("/v1/video/list") {}
    server.signal("-TERM");
    server.told("stopping");
    assert_eq!(server.child.try_wait().unwrap(), None, "it waits");
    server.signal("-INT");
    assert_eq!(server.child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_port_in_use_names_its_own_flag() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = |options: &[&str]| {
        let run = Run::from(command(directory.path(), ["sandbox"].iter().chain(options)).output().unwrap());
        run.failed(1).to_owned()
    };
    let api = refused(&["--port", &port]);
    assert!(api.contains(&format!("the API cannot listen on 127.0.0.1:{port}")), "{api}");
    assert!(api.contains("next       infrai-video sandbox --port 0 "), "{api}");
    let files = refused(&["--port", "0", "--file-port", &port]);
    assert!(files.contains(&format!("the file host cannot listen on 127.0.0.1:{port}")), "{files}");
    assert!(files.contains("next       infrai-video sandbox --file-port 0 "), "{files}");
    let foreign = refused(&["--port", "0", "--host", "192.0.2.1", "--admin-token", "a-token-of-this-test"]);
    assert!(foreign.contains("next       infrai-video sandbox --host 127.0.0.1"), "{foreign}");
}

#[test]
fn a_sandbox_ends_with_its_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), ["sandbox", "--port", "0", "--exit-with-parent"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut url = String::new();
    stdout.read_line(&mut url).unwrap();
    let url = url.trim_end();
    let hanging = ask(url, "/__sandbox/events", "");
    assert!(get(url, "/healthz", "").starts_with("HTTP/1.1 200 "));
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("stopped    standard input has ended"), "{stderr}");
    drop(hanging);
}

#[cfg(unix)]
#[test]
fn a_sandbox_ends_with_its_parent_although_its_standard_input_stays_open() {
    let directory = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "exec 3<&0; \"$@\" <&3 & wait",
            "sh",
            BINARY,
            "sandbox",
            "--port",
            "0",
            "--exit-with-parent",
        ])
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut shell = shell.spawn().unwrap();
    let _stays_open = shell.stdin.take().unwrap();
    let mut stdout = BufReader::new(shell.stdout.take().unwrap());
    let mut url = String::new();
    stdout.read_line(&mut url).unwrap();
    assert!(get(url.trim_end(), "/healthz", "").starts_with("HTTP/1.1 200 "));
    shell.kill().unwrap();
    shell.wait().unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "the pipe closes when the sandbox exits");
}

/// Sends a request to generate a clip, and reads the whole response.
fn generate(url: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").expect("a URL")).expect("it listens");
    let body = r#"{"prompt": "a lighthouse", "prefer": "cheapest"}"#;
    write!(
        stream,
        "POST /v1/video/generate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it takes the request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

#[test]
fn a_sandbox_says_where_it_listens_and_logs_each_request() {
    let directory = tempfile::tempdir().unwrap();
    let rule = "[[fault]]\noperation = 'list'\naction = 'drop_before'";
    std::fs::write(directory.path().join("drop.toml"), rule).unwrap();
    let mut server = Server::start(directory.path(), &["--clock", "manual", "--faults", "drop.toml"]);
    let url = server.url.clone();
    assert_eq!(server.told("page"), format!("{url}/"));
    assert_eq!(server.told("reference"), format!("{url}/docs"));
    assert_eq!(server.told("admin API"), format!("{url}/__sandbox/"));
    let example = server.told("example");
    assert!(example.starts_with(&format!("curl {url}/v1/video/generate -H ")), "{example}");
    let account = infrai_video_sandbox::Ledger::account_of(KEY);
    let response = generate(&url);
    let id = response.split('"').find(|text| text.starts_with("vj_")).unwrap();
    let time = "2026-01-01T00:00:00Z";
    assert_eq!(
        server.told(time),
        format!("POST /v1/video/generate 200 account={account} job={id} cost=0.05")
    );
    let status = format!("/v1/video/status/{id}");
    get(&url, &status, &format!("Authorization: Bearer {KEY}\r\n"));
    assert_eq!(server.told(time), format!("GET {status} 200 account={account}"));
    get(&url, &status, "");
    assert_eq!(server.told(time), format!("GET {status} 401"));
    get(&url, "/__sandbox/journal", "");
    get(&url, "/v1/video/list", "");
    assert_eq!(server.told(time), "GET /v1/video/list no response fault=drop_before");
}

#[test]
fn the_log_can_be_json_or_turned_off() {
    let directory = tempfile::tempdir().unwrap();
    let stderr = |options: &[&str]| {
        let mut command =
            command(directory.path(), ["sandbox", "--port", "0", "--exit-with-parent"].iter().chain(options));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        generate(url.trim_end());
        drop(child.stdin.take());
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    };
    let json = stderr(&["--log-format", "json", "--clock", "manual"]);
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "message", "request", "message"]);
    assert!(lines[0]["base_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let request = &lines[2];
    assert_eq!((&request["method"], &request["status"]), (&"POST".into(), &200.into()));
    for field in ["time", "path", "account", "job_id", "request_id"] {
        assert!(request[field].is_string(), "{field}: {request}");
    }
    assert!(request["cost_usd"].is_number() && request["fault"].is_null(), "{request}");
    for options in [&["-q"][..], &["-q", "--log-format", "json"]] {
        assert_eq!(stderr(options), "");
    }
}

#[test]
fn pages_of_another_origin_can_be_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let server =
        Server::start(directory.path(), &["--cors", "https://app.example", "--cors", "http://b.example"]);
    for (origin, allowed) in
        [("https://app.example", true), ("http://b.example", true), ("http://c.example", false)]
    {
        let response = get(&server.url, "/v1/video/list", &format!("Origin: {origin}\r\n"));
        assert_eq!(
            response.contains(&format!("access-control-allow-origin: {origin}\r\n")),
            allowed,
            "{response}"
        );
    }
    let run = Run::from(
        command(directory.path(), ["sandbox", "--port", "0", "--cors", "app.example"]).output().unwrap(),
    );
    assert!(run.failed(7).contains("the origin \"app.example\""), "{run:?}");
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_the_sandbox() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), ["sandbox", "--port", "0", "--exit-with-parent"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    // Far more lines than a pipe holds.
    for _ in 0..3000 {
        assert!(get(url.trim_end(), "/v1/video/list", "").starts_with("HTTP/1.1 401 "));
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_start_that_fails_is_json_in_a_log_of_json() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output =
        command(directory.path(), ["sandbox", "--port", &port, "--log-format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(line["error"]["message"].as_str().unwrap().contains("cannot listen"), "{line}");
}

#[test]
fn requests_that_are_rejected_because_of_their_host_or_origin_are_logged_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(directory.path(), &["--clock", "manual"]);
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET /v1/video/list HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    let time = "2026-01-01T00:00:00Z";
    assert_eq!(server.told(time), "GET /v1/video/list 421");
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "OPTIONS /v1/video/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: https://app.example\r\n\
         Access-Control-Request-Method: GET\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.contains("--cors"), "{response}");
    assert_eq!(server.told(time), "OPTIONS /v1/video/list 403");
}

#[cfg(unix)]
#[test]
fn a_sandbox_that_knows_its_parent_notices_that_it_exited_before_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec 3<&0; \"$@\" \"--exit-with-parent=$$\" <&3 & exit 0", "sh", BINARY])
        .args(["sandbox", "--port", "0", "-q"])
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut shell = shell.spawn().unwrap();
    let _stays_open = shell.stdin.take().unwrap();
    shell.wait().unwrap();
    let mut output = String::new();
    shell.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(
        output.is_empty() || output.starts_with("http://"),
        "the pipe closes when the sandbox exits: {output}"
    );
}

#[cfg(unix)]
#[test]
fn an_empty_pipe_that_does_not_block_has_not_ended() {
    use std::os::fd::OwnedFd;

    let directory = tempfile::tempdir().unwrap();
    let (input, other_end) = std::os::unix::net::UnixStream::pair().unwrap();
    input.set_nonblocking(true).unwrap();
    let mut command = command(directory.path(), ["sandbox", "--port", "0", "--exit-with-parent", "-q"]);
    command.stdin(OwnedFd::from(input)).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(get(url.trim_end(), "/healthz", "").starts_with("HTTP/1.1 200 "));
    assert_eq!(child.try_wait().unwrap(), None, "it still runs");
    drop(other_end);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
