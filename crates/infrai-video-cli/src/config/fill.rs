//! Gives options that were not set the values of the configuration.

use std::path::PathBuf;

use toml::Spanned;

use super::location::expanded_template;
use super::{Config, Settings};
use crate::args::{ClipRequest, Command};
use crate::money::Usd;

/// The options that got their values from the configuration, each with what to call it, such as `resolution in FILE:LINE`.
pub(crate) type Filled = Vec<(&'static str, String)>;

impl Config {
    /// Sets the options of a command that its user left out. Plans of batches say everything themselves: a changed configuration
    /// must not turn their lines into new requests.
    pub(crate) fn fill(&self, command: &mut Command) -> Filled {
        let mut filled = Vec::new();
        if let Command::Generate(args) = command {
            self.fill_request(&mut args.request, &mut filled);
        }
        if let Some(spending) = command.spending_mut() {
            // It was checked when the file was read.
            let configured =
                self.with_place(|settings| &settings.max_usd).filter(|_| spending.max_usd.is_none());
            if let Some((max, place)) = configured {
                (spending.max_usd, spending.max_usd_place) = (Usd::from_dollars(*max), Some(place));
            }
        }
        match command {
            // Only the job is requested.
            Command::Generate(args) if !args.no_wait => self.fill_output(&mut args.output, &mut filled),
            Command::Download(args) => self.fill_output(&mut args.output, &mut filled),
            _ => {}
        }
        filled
    }

    /// All values were checked when the file was read.
    fn fill_request(&self, request: &mut ClipRequest, filled: &mut Filled) {
        let ClipRequest { duration_seconds, resolution, aspect_ratio, prefer, .. } = request;
        filled.extend(self.fill_one(
            "--duration",
            duration_seconds,
            |all| &all.duration,
            |value| Some(*value),
        ));
        filled.extend(self.fill_one(
            "--resolution",
            resolution,
            |all| &all.resolution,
            |text| Some(text.clone()),
        ));
        filled.extend(self.fill_one(
            "--aspect-ratio",
            aspect_ratio,
            |all| &all.aspect_ratio,
            |text| text.parse().ok(),
        ));
        filled.extend(self.fill_one("--prefer", prefer, |all| &all.prefer, |text| text.parse().ok()));
    }

    fn fill_output(&self, output: &mut Option<PathBuf>, filled: &mut Filled) {
        let path = |text: &String| Some(expanded_template(text).into());
        filled.extend(self.fill_one("--output", output, |all| &all.output, path));
    }

    fn fill_one<T, U>(
        &self,
        option: &'static str,
        value: &mut Option<U>,
        of: impl Fn(&Settings) -> &Option<Spanned<T>>,
        convert: impl Fn(&T) -> Option<U>,
    ) -> Option<(&'static str, String)> {
        let (configured, place) = self.with_place(of).filter(|_| value.is_none())?;
        *value = convert(configured);
        let setting = option.trim_start_matches('-').replace('-', "_");
        Some((option, format!("{setting} in {place}")))
    }
}
