//! Gives options that were not set the values of the configuration.

use super::Config;
use super::location::expanded_template;
use crate::args::{ClipRequest, Command};
use crate::money::Usd;

impl Config {
    /// Sets the options of a command that its user left out. Plans of batches say everything themselves: a changed configuration
    /// must not turn their lines into new requests.
    pub(crate) fn fill(&self, command: &mut Command) {
        if let Command::Generate(args) = command {
            self.fill_request(&mut args.request);
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
            Command::Generate(args) if !args.no_wait => self.fill_output(&mut args.output),
            Command::Download(args) => self.fill_output(&mut args.output),
            _ => {}
        }
    }

    fn fill_request(&self, request: &mut ClipRequest) {
        let number = request.duration_seconds.take();
        request.duration_seconds = number.or_else(|| self.get(|settings| &settings.duration).copied());
        let resolution = request.resolution.take();
        request.resolution = resolution.or_else(|| self.get(|settings| &settings.resolution).cloned());
        // Both were checked when the file was read.
        let ratio = || self.get(|settings| &settings.aspect_ratio)?.parse().ok();
        request.aspect_ratio = request.aspect_ratio.or_else(ratio);
        let preference = || self.get(|settings| &settings.prefer)?.parse().ok();
        request.prefer = request.prefer.or_else(preference);
    }

    fn fill_output(&self, output: &mut Option<std::path::PathBuf>) {
        if output.is_none() {
            *output = self.get(|settings| &settings.output).map(|text| expanded_template(text).into());
        }
    }
}
