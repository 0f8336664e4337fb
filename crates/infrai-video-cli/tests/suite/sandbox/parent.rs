//! How the command `sandbox` stops when the program that started it is gone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::server::{ask, command, get, start_with_pipes};
use crate::common::BINARY;

#[test]
fn a_sandbox_stops_when_its_standard_input_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, url) = start_with_pipes(directory.path(), &[]);
    let hanging = ask(&url, "/__sandbox/events", "");
    assert!(get(&url, "/healthz", "").starts_with("HTTP/1.1 200 "));
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("stopped    standard input has ended"), "{stderr}");
    drop(hanging);
}

/// A shell that starts a sandbox as `"$@"`, with the shell's own standard input as descriptor 3.
#[cfg(unix)]
fn shell(directory: &Path, script: &str, options: &[&str]) -> Child {
    Command::new("sh")
        .args(["-c", &format!("exec 3<&0; {script}"), "sh", BINARY, "sandbox", "--port", "0"])
        .args(options)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a shell")
}

#[cfg(unix)]
#[test]
fn a_sandbox_stops_when_its_parent_exits_although_its_standard_input_stays_open() {
    let directory = tempfile::tempdir().unwrap();
    let mut shell = shell(directory.path(), "\"$@\" <&3 & wait", &["--exit-with-parent"]);
    let _stays_open = shell.stdin.take().unwrap();
    let mut stdout = BufReader::new(shell.stdout.take().unwrap());
    let mut url = String::new();
    stdout.read_line(&mut url).unwrap();
    assert!(get(url.trim_end(), "/healthz", "").starts_with("HTTP/1.1 200 "));
    shell.kill().unwrap();
    shell.wait().unwrap();
    // The pipe closes when the sandbox exits.
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[cfg(unix)]
#[test]
fn a_sandbox_that_knows_its_parent_stops_if_that_exited_before_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let script = "\"$@\" \"--exit-with-parent=$$\" <&3 & exit 0";
    let mut shell = shell(directory.path(), script, &["-q"]);
    let _stays_open = shell.stdin.take().unwrap();
    shell.wait().unwrap();
    // The pipe closes when the sandbox exits, which may be after it has printed its URL.
    let mut output = String::new();
    shell.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(output.is_empty() || output.starts_with("http://"), "{output}");
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
