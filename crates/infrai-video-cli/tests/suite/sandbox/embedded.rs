use std::process::Command;

use crate::common::{BINARY, Run};

#[test]
fn the_embedded_sandbox_makes_a_clip_without_key_or_network() {
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(BINARY);
        Run::from(
            command
                .args(args)
                .env_clear()
                .env("INFRAI_CONFIG", "none")
                .env("INFRAI_LEDGER", "none")
                .current_dir(directory.path())
                .output()
                .unwrap(),
        )
    };
    let made = run(&["--sandbox", "generate", "a lighthouse", "--duration", "0.5", "-o", "a.mp4"]);
    assert_eq!((made.code, made.text()), (Some(0), "a.mp4\n"), "{}", made.stderr);
    assert!(made.stderr.starts_with("sandbox    "), "{}", made.stderr);
    assert!(directory.path().join("a.mp4").is_file());

    let gone = run(&["--sandbox", "status", "vj_1"]);
    assert!(gone.failed(5).contains("end with the command"), "{}", gone.stderr);
    let both = run(&["--sandbox", "--base-url", "http://127.0.0.1:1", "list"]);
    assert_eq!(both.code, Some(2));
}

#[cfg(unix)]
#[test]
fn the_sandbox_command_prints_its_url_and_runs_until_it_is_stopped() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let mut command = Command::new(BINARY);
    command
        .args(["sandbox", "--port", "0", "--clock", "manual", "-q"])
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .env("INFRAI_LEDGER", "none")
        .stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let mut list = Command::new(BINARY);
    list.args(["--base-url", url.trim_end(), "list"])
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .env("INFRAI_LEDGER", "none")
        .env("INFRAI_API_KEY", "ifr_pk_sandbox");
    assert_eq!(list.output().unwrap().status.code(), Some(0));
    assert!(Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(143));
}
