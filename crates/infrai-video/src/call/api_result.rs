//! What the call module needs to know of each result type.

use infrai_video_client::{JobError, JobState, Resolution, types};

/// A result of the API.
pub trait ApiResult {
    /// Whether the result reports a failure although the envelope reports success.
    fn reports_failure(&self) -> bool {
        false
    }

    /// Calls `act` with each free text of the service. Ids, links and cursors are not free text.
    fn for_each_text(&mut self, _act: &mut dyn FnMut(&mut String)) {}

    /// The meaning of an empty successful response, if it has one.
    fn of_empty_response() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

impl ApiResult for types::VideoJob {
    fn for_each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        if let JobState::Unknown(state) = &mut self.state {
            act(state);
        }
        for_each_text_of(&mut self.error, act);
    }
}
impl ApiResult for types::VideoJobDetail {
    fn for_each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        if let JobState::Unknown(state) = &mut self.state {
            act(state);
        }
        [&mut self.vendor, &mut self.model].into_iter().flatten().for_each(&mut *act);
        self.resolution.iter_mut().for_each(|resolution| text_of_resolution(resolution, act));
        for_each_text_of(&mut self.error, act);
    }
}
impl ApiResult for types::VideoJobPage {
    fn for_each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        self.items.iter_mut().flatten().for_each(|job| job.for_each_text(act));
    }
}
impl ApiResult for types::DeleteAllResult {}
impl ApiResult for types::DownloadLink {}
impl ApiResult for types::Retention {}
impl ApiResult for types::VideoCapabilities {
    fn for_each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        for vendor in self.vendors.iter_mut().flatten() {
            vendor.vendor.iter_mut().for_each(&mut *act);
            vendor.models.iter_mut().flatten().for_each(&mut *act);
            let resolutions = vendor.resolutions.iter_mut().flatten();
            resolutions.for_each(|resolution| text_of_resolution(resolution, act));
        }
    }
}
impl ApiResult for types::Acknowledgement {
    fn reports_failure(&self) -> bool {
        self.ok == Some(false)
    }

    fn of_empty_response() -> Option<Self> {
        let mut acknowledgement = Self::default();
        acknowledgement.ok = Some(true);
        Some(acknowledgement)
    }
}

/// Calls `act` with the text of a resolution that the contract does not list.
fn text_of_resolution(resolution: &mut Resolution, act: &mut dyn FnMut(&mut String)) {
    if let Resolution::Unknown(text) = resolution {
        act(text);
    }
}

/// Calls `act` with the texts of a job's error.
fn for_each_text_of(error: &mut Option<JobError>, act: &mut dyn FnMut(&mut String)) {
    if let Some(JobError { code, message, .. }) = error {
        code.iter_mut().for_each(&mut *act);
        act(message);
    }
}
