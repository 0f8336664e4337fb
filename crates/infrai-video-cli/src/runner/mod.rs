//! Brings items of the ledger to their clips: each request is sent once, all jobs are waited for together, and each clip is
//! downloaded and verified.

mod after_save;
mod clip_file;
mod item;
mod job_watcher;
mod ledger_session;
mod output_path;
mod pool;
mod reservation;
mod source;
mod wait_and_download;

pub(crate) use self::after_save::AfterSave;
pub(crate) use self::clip_file::{ClipCheck, Found, is_clip};
pub(crate) use self::item::{IfJobGone, Runner};
pub(crate) use self::ledger_session::{LedgerSession, Order, Recorder};
pub(crate) use self::output_path::{
    OutputPath, WantedPath, check_directory, check_download, check_file, not_writable, overwrite, template,
};
pub(crate) use self::pool::{Limits, RunOutcome};
pub(crate) use self::reservation::Reservation;
pub(crate) use self::source::{BatchSource, Destinations, ItemSource};
pub(crate) use self::wait_and_download::{Clip, GRACE, download, link_timeout, wait};
