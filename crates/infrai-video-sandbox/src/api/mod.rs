//! The operations of the API and the file host.

pub(crate) mod account;
pub(crate) mod call;
pub(crate) mod capabilities;
pub(crate) mod clips;
pub(crate) mod envelope;
pub(crate) mod extract;
mod fields;
pub(crate) mod files;
pub(crate) mod generate;
pub(crate) mod jobs;
pub(crate) mod list;
mod lookup;
mod view;
