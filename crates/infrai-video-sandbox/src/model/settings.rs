//! The settings that handlers read.

use std::time::Duration;

use crate::model::job_times::JobTimes;
use crate::model::money::Usd;
use crate::quirks::Quirks;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) starting_balance: Usd,
    pub(crate) latency: Duration,
    pub(crate) times: JobTimes,
    pub(crate) link_lifetime: Duration,
    pub(crate) retention_days: u32,
    pub(crate) strict_files: bool,
    pub(crate) prerender: bool,
    pub(crate) quirks: Quirks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            starting_balance: Usd::from_dollars(2.0),
            latency: Duration::ZERO,
            times: JobTimes::default(),
            link_lifetime: Duration::from_secs(15 * 60),
            retention_days: 30,
            strict_files: false,
            prerender: false,
            quirks: Quirks::default(),
        }
    }
}
