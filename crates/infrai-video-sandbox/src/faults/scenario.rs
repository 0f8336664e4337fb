//! Scenarios: settings and fault rules that belong together, in one file.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Fault;
use super::fields::optional_seconds;
use super::file;
use super::rule::Rule;
use crate::input::{Format, Input, InputError, unknown};
use crate::model::money::Usd;
use crate::model::settings::Settings;
use crate::quirks::{Quirk, Quirks};

const EMBEDDED: [&str; 6] = [
    include_str!("../../scenarios/lost-response.toml"),
    include_str!("../../scenarios/poll-storm.toml"),
    include_str!("../../scenarios/expiring-url.toml"),
    include_str!("../../scenarios/credit-runs-out.toml"),
    include_str!("../../scenarios/cancel-race.toml"),
    include_str!("../../scenarios/crash-restart.toml"),
];

/// The maximum starting balance, in US dollars.
const MAX_BALANCE: f64 = 1e9;

/// Settings and fault rules for one test of a client.
///
/// Each of the embedded ones is a TOML file whose comment describes the expected behaviour of a client:
/// `lost-response`, `poll-storm`, `expiring-url`, `credit-runs-out`, `cancel-race` and `crash-restart`. Programs in
/// any language start one with `PUT /__sandbox/scenario/NAME`.
///
/// ```
/// use infrai_video_sandbox::{Sandbox, Scenario};
///
/// let sandbox = Sandbox::builder().scenario(Scenario::named("lost-response")?).router();
/// # let _ = sandbox;
/// # Ok::<(), infrai_video_sandbox::UnknownScenario>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    name: String,
    summary: String,
    #[serde(rename = "toml", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip)]
    settings: Changes,
    #[serde(skip)]
    faults: Vec<Fault>,
}

/// The error of a name that is not an embedded scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scenario {0}")]
pub struct UnknownScenario(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "unnamed")]
    name: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    settings: Changes,
    #[serde(default)]
    fault: Vec<Rule>,
}

fn unnamed() -> String {
    "unnamed".to_owned()
}

/// The settings that a scenario changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Changes {
    #[serde(deserialize_with = "balance")]
    starting_balance_usd: Option<f64>,
    #[serde(deserialize_with = "optional_seconds::deserialize")]
    latency_seconds: Option<Duration>,
    #[serde(deserialize_with = "optional_seconds::deserialize")]
    queued_seconds: Option<Duration>,
    #[serde(deserialize_with = "optional_seconds::deserialize")]
    running_seconds: Option<Duration>,
    #[serde(deserialize_with = "optional_seconds::deserialize")]
    seconds_per_clip_second: Option<Duration>,
    #[serde(deserialize_with = "optional_seconds::deserialize")]
    link_lifetime_seconds: Option<Duration>,
    retention_days: Option<u32>,
    strict_files: Option<bool>,
    bare_results: Option<bool>,
    quirks: Option<Quirks>,
}

fn balance<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let balance = f64::deserialize(from)?;
    if (0.0..=MAX_BALANCE).contains(&balance) {
        Ok(Some(balance))
    } else {
        Err(D::Error::custom(format!("{balance} must lie between 0 and {MAX_BALANCE}")))
    }
}

impl Scenario {
    /// One of the embedded scenarios.
    ///
    /// # Errors
    /// If there is no scenario of that name.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        Self::all().find(|scenario| scenario.name == name).ok_or_else(|| {
            let names: Vec<_> = Self::all().map(|scenario| scenario.name).collect();
            UnknownScenario(unknown(name, names.iter().map(String::as_str)))
        })
    }

    /// The embedded scenarios.
    pub fn all() -> impl Iterator<Item = Self> {
        EMBEDDED
            .into_iter()
            .map(|text| Self::from_toml(text).expect("each embedded scenario is read by a test"))
    }

    /// Reads a custom scenario. [`Scenario::toml`] of an embedded one is an example.
    ///
    /// Everything is optional: `name`, `summary`, `[[fault]]` tables as [`Fault::from_toml`] takes them, and under
    /// `[settings]` any of `starting_balance_usd`, `latency_seconds`, `queued_seconds`, `running_seconds`,
    /// `seconds_per_clip_second`, `link_lifetime_seconds`, `retention_days`, `strict_files`, `bare_results` and
    /// `quirks`, a list of the names of [`Quirk`]s.
    ///
    /// # Errors
    /// If the text is not TOML of that form, a setting is out of its range, or a rule is invalid.
    pub fn from_toml(text: &str) -> Result<Self, InputError> {
        Self::read(text, Format::Toml)
    }

    /// Reads a custom scenario from JSON with the names of the TOML.
    ///
    /// # Errors
    /// If the text is not JSON of that form, a setting is out of its range, or a rule is invalid.
    pub fn from_json(text: &str) -> Result<Self, InputError> {
        Self::read(text, Format::Json)
    }

    pub(crate) fn read(text: &str, format: Format) -> Result<Self, InputError> {
        let file: File = file::read(Input::parse("the scenario", text, format)?)?;
        file::check_windows(&file.fault)?;
        Ok(Self {
            name: file.name,
            summary: file.summary,
            text: (format == Format::Toml).then(|| text.to_owned()),
            settings: file.settings,
            faults: file.fault.into_iter().map(Fault).collect(),
        })
    }

    /// The name, such as `lost-response`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A summary in one line.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The whole file, if it is TOML. The comment of an embedded one describes the expected behaviour of a client.
    pub fn toml(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The fault rules.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Overrides settings with those of the scenario.
    pub(crate) fn over(&self, mut settings: Settings) -> Settings {
        let changes = &self.settings;
        let Settings { latency, times, link_lifetime, .. } = &mut settings;
        for (change, place) in [
            (changes.latency_seconds, latency),
            (changes.queued_seconds, &mut times.queued),
            (changes.running_seconds, &mut times.running),
            (changes.seconds_per_clip_second, &mut times.per_clip_second),
            (changes.link_lifetime_seconds, link_lifetime),
        ] {
            *place = change.unwrap_or(*place);
        }
        if let Some(balance) = changes.starting_balance_usd {
            settings.starting_balance = Usd::from_dollars(balance);
        }
        settings.retention_days = changes.retention_days.unwrap_or(settings.retention_days);
        settings.strict_files = changes.strict_files.unwrap_or(settings.strict_files);
        settings.quirks = changes.quirks.unwrap_or(settings.quirks);
        if let Some(bare) = changes.bare_results {
            settings.quirks.set(Quirk::BareResults, bare);
        }
        settings
    }
}

/// The fields of a file, and of its settings.
#[cfg(test)]
pub(super) fn fields() -> [&'static [&'static str]; 2] {
    [crate::input::fields_of::<File>(), crate::input::fields_of::<Changes>()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job_times::JobTimes;

    #[test]
    fn every_file_of_the_folder_is_embedded_under_its_own_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("a file").path())
            .map(|path| (path.file_stem().map(|stem| stem.to_owned()), std::fs::read_to_string(path).ok()))
            .collect();
        let mut embedded: Vec<_> = Scenario::all()
            .map(|scenario| (Some(scenario.name().into()), scenario.toml().map(str::to_owned)))
            .collect();
        files.sort();
        embedded.sort();
        assert_eq!(files, embedded);
    }

    #[test]
    fn every_embedded_scenario_describes_faults_and_correct_behaviour() {
        for scenario in Scenario::all() {
            assert_eq!(Scenario::named(scenario.name()), Ok(scenario.clone()));
            assert!(!scenario.summary().is_empty() && !scenario.summary().contains('\n'));
            assert!(
                scenario.toml().is_some_and(|text| text.contains("# A correct client")),
                "{}",
                scenario.name()
            );
            assert!(scenario.settings != Changes::default() || !scenario.faults().is_empty());
            let error = Scenario::named("other").expect_err("unknown").to_string();
            assert!(error.contains(scenario.name()), "{error}");
        }
    }

    #[test]
    fn other_settings_are_unchanged() {
        let text = "[settings]\nqueued_seconds = 0.5\nstarting_balance_usd = 7";
        let scenario = Scenario::from_toml(text).expect("a scenario");
        let before = Settings { retention_days: 3, ..Settings::default() };
        let expected = Settings {
            starting_balance: Usd::from_dollars(7.0),
            times: JobTimes { queued: Duration::from_millis(500), ..JobTimes::default() },
            ..before
        };
        assert_eq!(scenario.over(before), expected);
    }

    #[test]
    fn an_invalid_scenario_is_rejected_with_the_name_of_the_setting() {
        let refused = |text: &str| Scenario::from_toml(text).expect_err("wrong").to_string();
        assert_eq!(
            refused("[settings]\nqueued_seconds = -1"),
            "settings, field queued_seconds (line 2): -1 must be a number of seconds from 0 to 10000000000"
        );
        assert_eq!(
            refused("[settings]\nstarting_balance_usd = nan"),
            "settings, field starting_balance_usd (line 2): NaN must lie between 0 and 1000000000"
        );
        assert_eq!(
            refused("[settings]\nqued_seconds = 1").split(" Use").next(),
            Some(
                "settings (line 2): the field `qued_seconds` does not exist: did you mean `queued_seconds`?"
            )
        );
        assert_eq!(
            refused("colour = 1"),
            "the scenario (line 1): the field `colour` does not exist: use one of name, summary, settings, fault"
        );
        assert!(
            refused("[[fault]]\naction = 'explode'").starts_with("fault rule 1, field action (line 2): ")
        );
    }

    #[test]
    fn a_scenario_in_json_is_the_one_in_toml() {
        let json = r#"{"name": "a", "settings": {"latency_seconds": 0.5}, "fault": [{"action": "stuck"}]}"#;
        let toml = "name = 'a'\nsettings.latency_seconds = 0.5\n[[fault]]\naction = 'stuck'";
        let (json, mut toml) = (Scenario::from_json(json), Scenario::from_toml(toml).expect("a scenario"));
        toml.text = None;
        assert_eq!(json, Ok(toml));
    }

    #[test]
    fn an_unknown_name_is_rejected_with_the_closest_one() {
        let error = Scenario::named("lost_respnse").expect_err("unknown").to_string();
        assert!(
            error.starts_with("the scenario `lost_respnse` does not exist: did you mean `lost-response`? Use one of lost-response, "),
            "{error}"
        );
    }

    #[test]
    fn no_damaged_text_panics() {
        let json = include_str!("../contract/sandbox.json");
        let toml: String = EMBEDDED.concat().replace("name = ", "#");
        let mut rng = fastrand::Rng::with_seed(7);
        for text in [json, &toml] {
            for _ in 0..2000 {
                let start = rng.usize(..text.len());
                let mut bytes = text.as_bytes()[start..text.len().min(start + 400)].to_vec();
                for _ in 0..rng.usize(..4) {
                    let place = rng.usize(..bytes.len());
                    bytes[place] = *rng.choice(b"[]{}\"'=,:.-+0e9\n#ntf").expect("some");
                }
                let text = String::from_utf8_lossy(&bytes);
                for format in [Format::Toml, Format::Json] {
                    let errors = [
                        Fault::read(&text, format).err().map(|error| error.to_string()),
                        Scenario::read(&text, format).err().map(|error| error.to_string()),
                    ];
                    assert!(
                        errors.iter().flatten().all(|error| !error.is_empty() && !error.contains('\n')),
                        "{errors:?}"
                    );
                }
            }
        }
    }
}
