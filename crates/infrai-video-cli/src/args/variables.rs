use std::ffi::OsString;

/// The value of an environment variable, which need not be UTF-8. An empty one counts as not set.
pub(crate) fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.as_encoded_bytes().trim_ascii().is_empty())
}
