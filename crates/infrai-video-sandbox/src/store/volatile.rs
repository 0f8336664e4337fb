//! The type of the disk writer in a build without `persist`: it has no values.

use jiff::Timestamp;

use super::{Change, NotPersisted};

#[derive(Clone)]
pub(crate) enum Durable {}

impl Durable {
    pub(crate) fn append(&self, _: Timestamp, _: &[Change]) {
        match *self {}
    }

    pub(crate) fn reset(&self) {
        match *self {}
    }

    pub(crate) fn reach(&self, _: Timestamp) {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "the real writer is asynchronous")]
    pub(crate) async fn persisted(&self) -> Result<(), NotPersisted> {
        match *self {}
    }

    pub(crate) fn failed(&self) -> Result<(), NotPersisted> {
        match *self {}
    }

    pub(crate) fn stop(&self, _: Timestamp) {
        match *self {}
    }
}
