//! Errors: their messages, their exit codes, and what to do next.

mod credentials;
mod exit_codes;
mod invalid_values;
mod service_errors;
mod typos;
