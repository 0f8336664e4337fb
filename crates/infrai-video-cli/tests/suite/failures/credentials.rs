//! Misplaced passwords and API keys are rejected before anything is sent, and never printed.

use crate::common::{Harness, KEY, Run, SMALL};

const SECRET: &str = "s3cret";

/// A command line for each command.
#[cfg(feature = "postgres")]
const COMMANDS: [&[&str]; 20] = [
    &["list"],
    &["status", "vj_1"],
    &["get", "vj_1"],
    &["wait", "vj_1"],
    &["cancel", "vj_1"],
    &["delete", "vj_1", "--yes"],
    &["delete-all", "--yes"],
    &["download", "vj_1"],
    &["download-url", "vj_1"],
    &["set-retention", "vj_1", "--days", "7"],
    &["capabilities"],
    &["resume"],
    &["batch", "status"],
    &["batch", "run", "clips.jsonl"],
    &["batch", "retry", "clips", "--failed"],
    &SMALL,
    &["schema"],
    &["man"],
    &["completions", "bash"],
    &["--sandbox", "generate", "a lighthouse"],
];

/// Checks that the run was rejected with the name of the option, and that no part of a secret is printed.
#[track_caller]
fn refused(run: &Run, names: &str) {
    assert_eq!((run.code, run.text()), (Some(7), ""), "{run:?}");
    assert!(run.stderr.contains(names), "{run:?}");
    for secret in [SECRET, "cret", KEY, "4f9d2c"] {
        assert!(!run.stderr.contains(secret), "{run:?}");
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn every_command_rejects_a_ledger_with_a_password_in_its_arguments() {
    let harness = Harness::instant().await;
    for command in COMMANDS {
        for ledger in ["postgres://me:s3cret@db/l", "postgresql://me:s3cret@/l?host=/run/x"] {
            for more in [&["-vv"][..], &["--json"]] {
                let run = harness.run([command, &["--ledger", ledger], more].concat());
                refused(&run, "--ledger has a password");
                assert!(run.stderr.contains("INFRAI_LEDGER"), "the remedy: {run:?}");
            }
        }
    }
    #[cfg(feature = "sandbox")]
    refused(&harness.run(["sandbox", "--ledger=postgres://db/l?password=s3cret"]), "--ledger has a password");
    assert!(harness.sandbox.journal().is_empty());
    assert!(harness.files().is_empty(), "{:?}", harness.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_ledger_location_is_not_printed() {
    let harness = Harness::instant().await;
    for ledger in [
        "postgres://me:s3/s3cret@db/l",
        "postgres://me:12/s3cret@db/l",
        "postgres://me:x@s3/s3cret@db/l",
        "postgres:me:s3cret@db/l",
        "mysql://me:s3cret@db/l",
        "me:s3cret@db/l",
        "host=db password=s3cret",
        KEY,
        "ifr_pk_proj_s3cret",
    ] {
        refused(&harness.run(["batch", "status", "--ledger", ledger]), "--ledger ");
        let mut command = harness.command(["batch", "status", "-vv"]);
        refused(&command.env("INFRAI_LEDGER", ledger).output().unwrap().into(), "INFRAI_LEDGER ");
    }
    assert!(harness.files().is_empty(), "{:?}", harness.files());
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_the_environment_is_used_and_not_printed() {
    let harness = Harness::instant().await;
    let directory = harness.directory.path().display();
    for ledger in [
        // Nothing listens there.
        format!("postgres://me:s3cret@/l?host={directory}"),
        format!("postgres:///l?host={directory}&password=s3cret"),
        "postgresql://me:s%33cret@127.0.0.1:1/l".to_owned(),
    ] {
        let mut command = harness.command(["generate", "a lighthouse", "-vv"]);
        let run = Run::from(command.env("INFRAI_LEDGER", &ledger).output().unwrap());
        refused(&run, "the ledger postgres://");
        assert!(!run.stderr.contains("cannot be read as"), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_url_with_a_password_or_a_key_is_rejected_and_not_printed() {
    let harness = Harness::instant().await;
    for url in
        ["https://me:s3cret@api.example", "https://me:s3/cret@api.example", "https://s3cret@api.example", KEY]
    {
        for command in [&["batch", "status"][..], &["resume"], &["list"], &SMALL] {
            refused(&harness.run([command, &["--base-url", url]].concat()), "--base-url must not contain");
            let mut command = harness.command(command);
            refused(
                &command.env("INFRAI_BASE_URL", url).output().unwrap().into(),
                "INFRAI_BASE_URL must not contain",
            );
        }
        let mut schema = harness.command(["schema"]);
        assert!(schema.env("INFRAI_BASE_URL", url).output().unwrap().status.success(), "it calls nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usage_error_does_not_repeat_a_password() {
    let harness = Harness::instant().await;
    for args in [
        &["list", "postgres://me:s3cret@db/l"][..],
        &["list", "--ledgr=postgres://me:s3cret@db/l"],
        &["list", "--color", "postgres://me:s3/s3cret@db/l"],
        &["list", "--api-key", KEY],
        &[KEY],
    ] {
        for more in [&[][..], &["--json"]] {
            let run = harness.run([args, more].concat());
            assert_eq!((run.code, run.text()), (Some(2), ""), "{run:?}");
            assert!(!run.stderr.contains(SECRET) && !run.stderr.contains(KEY), "{run:?}");
        }
    }
    #[cfg(feature = "sandbox")]
    {
        let run = harness.run(["sandbox", "--public-url", "http://me:s3cret@sandbox.example"]);
        refused(&run, "public_url");
    }
}
