//! The options of the command `sandbox`, and their errors.

use infrai_video_sandbox::{Catalogue, Quirk, Scenario};

use super::server::{Server, ask, command, get};
use crate::common::Run;

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
fn every_quirk_is_named_in_the_help_and_starts() {
    let directory = tempfile::tempdir().unwrap();
    let help = Run::from(command(directory.path(), ["sandbox", "--help"]).output().unwrap());
    for quirk in Quirk::ALL {
        assert!(help.text().contains(quirk.name()), "{}", help.text());
    }
    let server = Server::start(directory.path(), &["--quirk", "no_metadata", "--quirk", "string_errors"]);
    let response = get(&server.url, "/v1/video/list", "");
    assert!(response.contains(r#""error":"there is no Authorization header""#), "{response}");
    assert!(!response.contains("metadata"), "{response}");
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
