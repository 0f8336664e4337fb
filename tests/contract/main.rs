//! What the document, the generated code, the SDK, the sandbox and the command must agree on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod admin;
mod bare_results;
mod code_samples;
mod conformance;
mod end_to_end;
mod examples;
mod fixtures;
mod guards;
mod json_schemas;
mod left;
mod operations;
mod page;
mod page_requests;
mod rust_samples;
mod schemas;
mod wire;
