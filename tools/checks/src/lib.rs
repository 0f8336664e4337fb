//! Checks the OpenAPI document, compares versions of it, and checks responses against it.

pub mod diff;
pub mod json_schema;
pub mod lines;
pub mod lint;
mod usage;

#[cfg(test)]
mod tests;
