//! Reads the OpenAPI document, walks it, and converts it.
//!
//! The grammar of OpenAPI is written down once, in [`walk`]. Everything else that looks inside the document uses it.

pub mod convert;
pub mod dereference;
pub mod document;
pub mod fixtures;
pub mod pointer;
pub mod provenance;
pub mod samples;
mod shape;
pub mod value;
pub mod walk;

pub use document::{DOCUMENT, Document, DocumentError, Operation, SANDBOX_DOCUMENT};
