//! `config path` and `config edit`.

use super::run;
use crate::common::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn the_path_is_printed_whether_the_file_exists_or_not() {
    let harness = Harness::instant().await;
    let path = |environment: &[(&str, &std::path::Path)]| {
        let mut command = harness.command(["config", "path"]);
        command.env_remove("INFRAI_CONFIG").envs(environment.iter().copied());
        run(command).text().trim_end().to_owned()
    };
    let home = harness.directory.path();
    let expected = |path: &str| home.join(path).display().to_string();
    assert_eq!(path(&[("HOME", home)]), expected(".config/infrai-video/config.toml"));
    let xdg = home.join("xdg");
    assert_eq!(path(&[("HOME", home), ("XDG_CONFIG_HOME", &xdg)]), expected("xdg/infrai-video/config.toml"));
    assert_eq!(path(&[("HOME", home), ("INFRAI_CONFIG", &home.join("c.toml"))]), expected("c.toml"));
    assert_eq!(path(&[("HOME", home), ("INFRAI_CONFIG", std::path::Path::new(""))]), path(&[("HOME", home)]));
    assert_eq!(harness.run(["config", "path"]).failed(7).matches("INFRAI_CONFIG").count(), 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn editing_creates_a_private_file_and_checks_the_result() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = Harness::instant().await;
    let path = harness.path("a b/c.toml");
    let edit = |editor: &str| {
        let mut command = harness.command(["config", "edit"]);
        command.env("INFRAI_CONFIG", &path).env("EDITOR", editor);
        run(command)
    };
    let created = edit("cat");
    assert_eq!(created.code, Some(0), "{created:?}");
    assert!(created.stderr.contains("created    ") && created.stderr.contains("is valid"), "{created:?}");
    assert_eq!(std::fs::metadata(&path).expect("it exists").permissions().mode() & 0o777, 0o600);
    let template = created.text().to_owned();
    for name in
        ["base_url", "api_key_env", "key_command", "ledger", "resolution", "duration", "output", "max_usd"]
    {
        assert!(template.contains(&format!("\n#{name} = ")), "{name}: {template}");
    }

    let broken = edit("sh -c 'echo resoluton = 1 > \"$0\"'");
    let stderr = broken.failed(7);
    assert!(stderr.contains("c.toml:1:1: unknown setting \"resoluton\""), "{stderr}");
    assert!(stderr.contains("next       infrai-video config edit\n"), "{stderr}");
    std::fs::write(harness.path("good.toml"), "resolution = '4k'").expect("there is room");
    let repaired = edit(&format!("cp {}", harness.path("good.toml").display()));
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert!(edit("false").failed(1).contains("the editor false failed"));
    let mut visual = harness.command(["config", "edit"]);
    visual.env("INFRAI_CONFIG", &path).env("EDITOR", "false").env("VISUAL", "true");
    assert_eq!(run(visual).code, Some(0), "VISUAL comes first");
}
