//! What the command prints about itself, and what it prints for programs.

#[cfg(all(unix, feature = "sandbox"))]
mod completion;
mod examples;
#[cfg(feature = "sandbox")]
mod help;
mod json;
mod manual_and_completions;
mod readme;
