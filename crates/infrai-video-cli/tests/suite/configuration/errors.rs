//! What is misspelled or misplaced is named with its place; nothing is sent.

use super::{configured, run, write};
use crate::common::{Harness, KEY, Run, SMALL};

/// Checks that the command failed before anything was sent, and that no secret is shown.
#[track_caller]
fn refused(harness: &Harness, run: &Run, what: &[&str]) {
    let stderr = run.failed(7);
    for what in what {
        assert!(stderr.contains(what), "{what}: {stderr}");
    }
    for secret in ["s3cret", "ifr_pk"] {
        assert!(!stderr.contains(secret), "{stderr}");
    }
    assert!(harness.sandbox.journal().is_empty(), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_the_file_is_named_with_its_place() {
    let harness = Harness::instant().await;
    for (text, place, why) in [
        ("resoluton = '4k'", ":1:1", "unknown setting \"resoluton\"; did you mean resolution?"),
        ("\n\n  Duration = 5", ":3:3", "did you mean duration?"),
        ("[profile.a]\n\n[profile.b]\nmax_ust = 5", ":4:1", "did you mean max_usd?"),
        ("default_profil = 'a'", ":1:1", "did you mean default_profile?"),
        ("[profiles.a]", ":1:2", "did you mean profile?"),
        ("colour = 'red'", ":1:1", "unknown setting \"colour\"; use base_url, "),
        ("duration = '5s'", ":1:12", "duration: found the text \"5s\", expected a number"),
        ("duration = -1", ":1:12", "duration: it must be a number of seconds above 0"),
        ("duration = nan", ":1:12", "seconds above 0"),
        ("output = ''", ":1:10", "empty"),
        ("output = '-'", ":1:10", "only the option -o - writes a clip to stdout"),
        ("output = '{nope}.mp4'", ":1:10", "unknown field {nope}; use {date}"),
        ("output = '{slgu}.mp4'", ":1:10", "unknown field {slgu}; did you mean {slug}?"),
        ("resolution = 1080", ":1:14", "resolution: found the number `1080`, expected text in quotes"),
        ("aspect_ratio = '17:9'", ":1:16", "16:9"),
        ("[profile.a]\nprefer = 'fast'", ":2:10", "cheapest"),
        ("max_usd = 0", ":1:11", "above 0"),
        ("ask_above_usd = -5", ":1:17", "0 asks before every charge"),
        ("ask_above_usd = 'a lot'", ":1:17", "expected a number"),
        ("base_url = 'http://api.example'", ":1:12", "plain http"),
        ("base_url = 'https://me:s3cret@api.example'", ":1:12", "a user or a password"),
        ("ledger = 'mysql://me:s3cret@db/l'", ":1:10", "another kind"),
        ("profile = 5", ":1:11", "[profile.work]"),
        ("[profile]\na = 5", ":2:5", "[profile.work]"),
        ("duration = 5\nduration = 6", ":2:1", "duplicate"),
        ("resolution = '4k", ":1:", "invalid"),
        ("api_key = 'ifr_pk_proj_s3cret'", ":1:1", "api_key_env"),
        ("[profile.a]\nkey = 's3cret'", ":2:1", "api_key_env"),
        ("token = 's3cret'", ":1:1", "key_command"),
        ("api_key_env = 'ifr_pk_proj_s3cret'", ":1:15", "name of an environment variable"),
        ("api_key_env = 's3cret-key'", ":1:15", "name of an environment variable"),
        ("api_key_evn = 'A'", ":1:1", "did you mean api_key_env?"),
        ("key_comand = 'a'", ":1:1", "did you mean key_command?"),
        ("resolution = 'ifr_pk_proj_s3cret'", ":1:14", "API key"),
        ("duration = 'ifr_pk_proj_s3cret'", ":1:12", "API key"),
        ("ifr_pk_proj_s3cret = 1", ":1:1", "API key"),
        ("api_key_env = 'A'\nkey_command = 'b'", ":2:15", "exclude each other"),
        ("default_profile = 'b'\n[profile.a]", ":1:19", "there is no profile \"b\""),
        ("default_profile = 5", ":1:19", "expected text in quotes"),
        ("\u{feff}resoluton = '4k'", ":1:1", "did you mean resolution?"),
    ] {
        let run = run(configured(&harness, text, SMALL));
        let place = format!("config.toml{place}");
        refused(&harness, &run, &[&place, why]);
        assert!(run.stderr.contains("\nnext       infrai-video config edit\n"), "{}", run.stderr);
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_a_database_is_not_accepted() {
    let harness = Harness::instant().await;
    for url in ["postgres://me:s3cret@db/l", "postgres://db/l?password=s3cret"] {
        let run = run(configured(&harness, &format!("ledger = '{url}'"), SMALL));
        refused(&harness, &run, &["config.toml:1:10", "PGPASSWORD"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_profile_is_not_replaced_by_another() {
    let harness = Harness::instant().await;
    let text = "[profile.work]\n[profile.home]\n";
    let with = |args: &[&'static str]| configured(&harness, text, args.iter().chain(&SMALL).copied());
    refused(&harness, &run(with(&["--profile=wrok"])), &["\"wrok\" (--profile)", "did you mean \"work\"?"]);
    refused(&harness, &run(with(&["--profile="])), &["\"\" (--profile)", "use home, work"]);
    let mut by_variable = with(&[]);
    by_variable.env("INFRAI_PROFILE", "production");
    refused(&harness, &run(by_variable), &["\"production\" (INFRAI_PROFILE)", "use home, work"]);
    let mut without_file = harness.command(["--profile", "work"].iter().chain(&SMALL));
    without_file.env("INFRAI_CONFIG", "none");
    refused(&harness, &run(without_file), &["no configuration is in use"]);
    let mut missing = harness.command(["--profile", "work"].iter().chain(&SMALL));
    missing.env_remove("INFRAI_CONFIG").env("HOME", harness.directory.path());
    refused(&harness, &run(missing), &["does not exist"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_file_that_nobody_named_may_be_missing() {
    let harness = Harness::instant().await;
    let mut named = harness.command(SMALL);
    named.env("INFRAI_CONFIG", harness.path("none.toml"));
    refused(&harness, &run(named), &["none.toml cannot be read", "INFRAI_CONFIG"]);
    let mut directory = harness.command(SMALL);
    directory.env("INFRAI_CONFIG", harness.directory.path());
    refused(&harness, &run(directory), &["cannot be read"]);
    let config = harness.path(".config/infrai-video/config.toml");
    let at_home = |args: &[&str]| {
        let mut command = harness.command(args);
        command.env_remove("INFRAI_CONFIG").env("HOME", harness.directory.path());
        run(command)
    };
    assert_eq!(at_home(&SMALL).code, Some(0));
    std::fs::create_dir_all(&config).expect("there is room");
    assert_eq!(at_home(&SMALL).code, Some(7), "a directory is not a missing file");
    std::fs::remove_dir(&config).expect("it is empty");
    std::fs::write(&config, "duratoin = 5").expect("there is room");
    assert!(at_home(&SMALL).failed(7).contains("did you mean duration?"));
    // Commands that use no setting work, so that the file can be found and corrected.
    for args in [&["config", "path"][..], &["completions", "bash"], &["man"], &["schema"]] {
        assert_eq!(at_home(args).code, Some(0), "{args:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_other_users_may_write_is_not_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = Harness::instant().await;
    let path = write(&harness, "duration = 0.5");
    for (mode, is_read) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false), (0o622, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("it is our file");
        let mut command = harness.command(["config", "show"]);
        command.env("INFRAI_CONFIG", &path);
        let run = run(command);
        if is_read {
            assert_eq!(run.code, Some(0), "{mode:o}: {run:?}");
        } else {
            assert!(
                run.failed(7).contains(&format!("next       chmod go-w {}\n", path.display())),
                "{run:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_steps_name_the_profile() {
    let harness = Harness::instant().await;
    let text = "[profile.'my work']\n";
    let run = run(configured(&harness, text, ["--profile", "my work", "status", "vj_nowhere"]));
    assert!(run.failed(5).contains("next       infrai-video --profile 'my work' list\n"), "{run:?}");
    assert!(!run.stderr.contains(KEY));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_directory_that_everybody_may_write_is_not_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = Harness::instant().await;
    let (directory, link) = (harness.path("open"), harness.path("open/link.toml"));
    std::fs::create_dir(&directory).expect("there is room");
    let private = write(&harness, "duration = 0.5");
    std::os::unix::fs::symlink(&private, &link).expect("there is room");
    std::fs::write(directory.join("config.toml"), "duration = 0.5").expect("there is room");
    for (mode, is_read) in [(0o755, true), (0o777, false), (0o1777, true)] {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        for path in [&link, &directory.join("config.toml")] {
            let mut command = harness.command(["config", "show"]);
            command.env("INFRAI_CONFIG", path);
            let run = run(command);
            if is_read {
                assert_eq!(run.code, Some(0), "{mode:o}: {run:?}");
            } else {
                let next = format!("next       chmod o-w {}\n", directory.display());
                assert!(run.failed(7).contains(&next), "{run:?}");
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn only_a_regular_file_of_a_reasonable_length_is_read() {
    let harness = Harness::instant().await;
    let fifo = harness.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("it starts").success());
    std::fs::write(harness.path("long"), "#".repeat(300 * 1024)).expect("there is room");
    for (path, why) in [
        (fifo, "it is not a regular file"),
        ("/dev/zero".into(), "it is not a regular file"),
        (harness.directory.path().to_owned(), "it is a directory"),
        (harness.path("long"), "it is longer than 256 KiB"),
    ] {
        let mut command = harness.command(SMALL);
        command.env("INFRAI_CONFIG", path);
        let run = run(command);
        refused(&harness, &run, &[why, "INFRAI_CONFIG"]);
        assert!(!run.stderr.contains("creates the file"), "{run:?}");
    }
    let mut null = harness.command(["config", "show"]);
    null.env("INFRAI_CONFIG", "/dev/null");
    assert_eq!(run(null).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_a_variable_chose_is_part_of_the_next_steps() {
    let harness = Harness::instant().await;
    let text = "default_profile = 'home'\n[profile.home]\n[profile.'my work']\n";
    let steps = |profile: Option<&str>, args: &[&'static str]| {
        let mut command = configured(&harness, text, args.iter().copied());
        command.envs(profile.map(|name| ("INFRAI_PROFILE", name)));
        run(command).stderr
    };
    let of_variable = steps(Some("my work"), &["status", "vj_nowhere"]);
    assert!(of_variable.contains("next       infrai-video --profile 'my work' list\n"), "{of_variable}");
    let repeated = steps(Some("my work"), &["delete", "vj_nowhere"]);
    assert!(repeated.contains("infrai-video --profile 'my work' delete vj_nowhere --yes\n"), "{repeated}");
    let of_default = steps(None, &["status", "vj_nowhere"]);
    assert!(of_default.contains("next       infrai-video list\n"), "{of_default}");
    let invalid = steps(Some("nowhere"), &["list"]);
    assert!(invalid.contains("; use home, 'my work'\n"), "{invalid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_the_file_is_not_blamed_on_an_option() {
    let harness = Harness::instant().await;
    let text = "[profile.work]\nresolution = '8k'\nduration = 900\noutput = 'none/{slug}.mp4'\n";
    let blamed = |args: &[&'static str]| {
        let all = ["--profile=work", "generate", "a"].iter().chain(args).copied();
        let run = run(configured(&harness, text, all));
        run.failed(7).lines().next().unwrap_or_default().to_owned()
    };
    for (args, setting) in [
        (&["-o", "a.mp4"][..], "(resolution in "),
        (&["-o", "a.mp4", "--resolution=720p"], "(duration in "),
        (&["--resolution=720p", "--duration=2"], "output in "),
    ] {
        let line = blamed(args);
        assert!(line.contains(setting) && line.contains("config.toml:") && !line.contains("--"), "{line}");
    }
    let of_option = blamed(&["-o", "a.mp4", "--resolution=9k"]);
    assert!(of_option.contains("(--resolution)"), "{of_option}");
}
