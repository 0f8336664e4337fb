//! What the SDK has to know of each result of the API.

use infrai_video_client::{JobError, JobState, types};

/// A result of the API, which may itself say that nothing was done.
pub trait ApiResult {
    /// Whether the result says no although the envelope says yes.
    fn says_no(&self) -> bool {
        false
    }

    /// Does something with each text that the service wrote for people. Ids, links and cursors are none.
    fn each_text(&mut self, _act: &mut dyn FnMut(&mut String)) {}

    /// What an empty answer of success means, where it means anything.
    fn of_nothing() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

impl ApiResult for types::VideoJob {
    fn each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        if let JobState::Unknown(state) = &mut self.state {
            act(state);
        }
        each_text_of(&mut self.error, act);
    }
}
impl ApiResult for types::VideoJobDetail {
    fn each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        if let JobState::Unknown(state) = &mut self.state {
            act(state);
        }
        [&mut self.vendor, &mut self.model].into_iter().flatten().for_each(&mut *act);
        each_text_of(&mut self.error, act);
    }
}
impl ApiResult for types::VideoJobPage {
    fn each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        self.items.iter_mut().flatten().for_each(|job| job.each_text(act));
    }
}
impl ApiResult for types::DeleteAllResult {}
impl ApiResult for types::DownloadLink {}
impl ApiResult for types::Retention {}
impl ApiResult for types::VideoCapabilities {
    fn each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        for vendor in self.vendors.iter_mut().flatten() {
            vendor.vendor.iter_mut().for_each(&mut *act);
            vendor.models.iter_mut().flatten().for_each(&mut *act);
        }
    }
}
impl ApiResult for types::Acknowledgement {
    fn says_no(&self) -> bool {
        self.ok == Some(false)
    }

    fn of_nothing() -> Option<Self> {
        Some(Self { ok: Some(true) })
    }
}

/// Does something with the texts of a job's error.
fn each_text_of(error: &mut Option<JobError>, act: &mut dyn FnMut(&mut String)) {
    if let Some(JobError { code, message }) = error {
        code.iter_mut().for_each(&mut *act);
        act(message);
    }
}
