//! The settings that handlers read.

use std::time::Duration;

use crate::model::job_times::JobTimes;
use crate::model::money::Usd;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) starting_balance: Usd,
    pub(crate) latency: Duration,
    pub(crate) times: JobTimes,
    pub(crate) link_lifetime: Duration,
    pub(crate) retention_days: u32,
    pub(crate) bare_results: bool,
    pub(crate) strict_files: bool,
    pub(crate) prerender: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            starting_balance: Usd::from_dollars(2.0),
            latency: Duration::ZERO,
            times: JobTimes::default(),
            link_lifetime: Duration::from_secs(15 * 60),
            retention_days: 30,
            bare_results: false,
            strict_files: false,
            prerender: false,
        }
    }
}
