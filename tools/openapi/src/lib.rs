//! Reads the OpenAPI document, walks it, converts it, checks it, and compares versions of it.
//!
//! The grammar of OpenAPI is written down once, in [`walk`]. Everything else that looks inside the document uses it.

pub mod convert;
pub mod dereference;
pub mod diff;
pub mod document;
pub mod fixtures;
pub mod json_schema;
pub mod lint;
pub mod pointer;
pub mod provenance;
pub mod samples;
mod usage;
pub mod value;
pub mod walk;

pub use document::{DOCUMENT, Document, DocumentError, Operation};

#[cfg(test)]
mod tests;
