//! Scenarios: settings and fault rules that belong together, in one file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use super::file::{FaultError, RuleTable, rules};
use crate::model::money::Usd;
use crate::model::settings::Settings;
use crate::model::toml_text;

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
    #[serde(rename = "toml")]
    text: String,
    #[serde(skip)]
    settings: Changes,
    #[serde(skip)]
    faults: Vec<Fault>,
}

/// The error of a name that is not an embedded scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no scenario {0:?}: use lost-response, poll-storm, expiring-url, credit-runs-out, cancel-race or crash-restart"
)]
pub struct UnknownScenario(String);

/// Why a scenario is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The text is not TOML of the right shape.
    #[error("the scenario cannot be read: {0}; compare it with an embedded one")]
    Shape(String),
    /// A setting is out of its range.
    #[error("setting {name} {wrong}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// The valid range.
        wrong: &'static str,
    },
    /// A fault rule is invalid.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

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
    fault: Vec<RuleTable>,
}

fn unnamed() -> String {
    "unnamed".to_owned()
}

/// The settings that a scenario changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Changes {
    starting_balance_usd: Option<f64>,
    latency_seconds: Option<f64>,
    queued_seconds: Option<f64>,
    running_seconds: Option<f64>,
    seconds_per_clip_second: Option<f64>,
    link_lifetime_seconds: Option<f64>,
    retention_days: Option<u32>,
    strict_files: Option<bool>,
    bare_results: Option<bool>,
}

impl Scenario {
    /// One of the embedded scenarios.
    ///
    /// # Errors
    /// If there is no scenario of that name.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        Self::all().find(|scenario| scenario.name == name).ok_or_else(|| UnknownScenario(name.to_owned()))
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
    /// `seconds_per_clip_second`, `link_lifetime_seconds`, `retention_days`, `strict_files` and `bare_results`.
    ///
    /// # Errors
    /// If the text is not TOML of that form, a setting is out of its range, or a rule is invalid.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml_text::read(text).map_err(ScenarioError::Shape)?;
        file.settings.over(Settings::default())?;
        Ok(Self {
            name: file.name,
            summary: file.summary,
            text: text.to_owned(),
            settings: file.settings,
            faults: rules(file.fault, text)?,
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

    /// The whole file. Its comment describes the expected behaviour of a client.
    pub fn toml(&self) -> &str {
        &self.text
    }

    /// The fault rules.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Overrides settings with those of the scenario.
    pub(crate) fn over(&self, settings: Settings) -> Settings {
        self.settings.over(settings).expect("the ranges were checked when the scenario was read")
    }
}

impl Changes {
    fn over(&self, mut settings: Settings) -> Result<Settings, ScenarioError> {
        let Settings { latency, times, link_lifetime, .. } = &mut settings;
        for (name, seconds, place) in [
            ("latency_seconds", self.latency_seconds, latency),
            ("queued_seconds", self.queued_seconds, &mut times.queued),
            ("running_seconds", self.running_seconds, &mut times.running),
            ("seconds_per_clip_second", self.seconds_per_clip_second, &mut times.per_clip_second),
            ("link_lifetime_seconds", self.link_lifetime_seconds, link_lifetime),
        ] {
            if let Some(seconds) = seconds {
                let wrong = "must be a number that is not below 0";
                *place = Duration::try_from_secs_f64(seconds)
                    .map_err(|_| ScenarioError::Setting { name, wrong })?;
            }
        }
        if let Some(balance) = self.starting_balance_usd {
            if !(0.0..=MAX_BALANCE).contains(&balance) {
                let wrong = "must lie between 0 and 1000000000";
                return Err(ScenarioError::Setting { name: "starting_balance_usd", wrong });
            }
            settings.starting_balance = Usd::from_dollars(balance);
        }
        settings.retention_days = self.retention_days.unwrap_or(settings.retention_days);
        settings.strict_files = self.strict_files.unwrap_or(settings.strict_files);
        settings.bare_results = self.bare_results.unwrap_or(settings.bare_results);
        Ok(settings)
    }
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
            .map(|scenario| (Some(scenario.name().into()), Some(scenario.toml().to_owned())))
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
            assert!(scenario.toml().contains("# A correct client"), "{}", scenario.name());
            assert!(scenario.settings != Changes::default() || !scenario.faults().is_empty());
            let error = UnknownScenario("other".to_owned()).to_string();
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
            "setting queued_seconds must be a number that is not below 0"
        );
        assert!(
            refused("[settings]\nstarting_balance_usd = nan").starts_with("setting starting_balance_usd")
        );
        assert!(refused("colour = 1").starts_with("the scenario cannot be read: line 1: "));
        assert!(refused("[[fault]]\naction = 'explode'").starts_with("fault rule 1 (line 1): "));
    }
}
