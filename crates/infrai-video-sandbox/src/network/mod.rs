//! Bind address, public URLs, limits, and who may call what.

pub(crate) mod admin_auth;
pub(crate) mod allowed_hosts;
pub(crate) mod allowed_origins;
pub(crate) mod host;
pub(crate) mod limits;
pub(crate) mod peer;
pub(crate) mod settings;
