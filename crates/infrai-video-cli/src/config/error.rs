//! Why the configuration cannot be used.

/// One line with the place and the reason, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ConfigError {
    message: String,
    next: Vec<String>,
}

impl ConfigError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), next: Vec::new() }
    }

    pub(super) fn next(mut self, step: impl Into<String>) -> Self {
        self.next.push(step.into());
        self
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.next
    }
}
