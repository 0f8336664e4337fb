//! What stands for the way to the disk in a build that has none: there is never one.

use jiff::Timestamp;

use super::{Change, NotKept};

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

    #[expect(clippy::unused_async, reason = "the way to a real disk takes time")]
    pub(crate) async fn kept(&self) -> Result<(), NotKept> {
        match *self {}
    }

    pub(crate) fn failed(&self) -> Result<(), NotKept> {
        match *self {}
    }

    pub(crate) fn stop(&self, _: Timestamp) {
        match *self {}
    }
}
