//! How the command `sandbox` stops when the program that started it is gone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use super::server::{ask, command, get, start_with_pipes};
use crate::common::BINARY;

#[test]
fn a_sandbox_ends_with_its_standard_input() {
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
