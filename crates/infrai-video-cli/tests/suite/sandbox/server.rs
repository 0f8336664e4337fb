//! A sandbox of the command, and requests to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::common::{BINARY, KEY};

pub(super) fn command<S: AsRef<std::ffi::OsStr>>(
    directory: &Path,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(args)
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .env("INFRAI_LEDGER", "none")
        .env("INFRAI_API_KEY", KEY)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

/// A sandbox that is stopped with the test.
pub(super) struct Server {
    pub(super) child: Child,
    /// The line that it printed on stdout.
    pub(super) url: String,
    stderr: BufReader<ChildStderr>,
}

impl Server {
    pub(super) fn start(directory: &Path, options: &[&str]) -> Self {
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
    pub(super) fn told(&mut self, word: &str) -> String {
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

    pub(super) fn signal(&self, name: &str) {
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
pub(super) fn ask(url: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").expect("a URL")).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
        .expect("it takes the request");
    stream
}

pub(super) fn get(url: &str, path: &str, headers: &str) -> String {
    let mut response = String::new();
    ask(url, path, headers).read_to_string(&mut response).expect("a response");
    response
}

/// A sandbox that stops when its standard input is closed, and its URL.
pub(super) fn start_with_pipes(directory: &Path, options: &[&str]) -> (Child, String) {
    let mut command =
        command(directory, ["sandbox", "--port", "0", "--exit-with-parent"].iter().chain(options));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let url = first_line(&mut child);
    (child, url)
}

/// The first line of a process on stdout, which is then closed.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let stdout = child.stdout.take().expect("stdout is a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("stdout is text");
    line.trim_end().to_owned()
}

/// Sends a request to generate a clip, and reads the whole response.
pub(super) fn generate(url: &str) -> String {
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
