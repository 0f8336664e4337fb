//! Clips: where they come from, where they are kept, and how they are addressed.

pub(crate) mod clip_cache;
#[cfg_attr(not(feature = "persist"), allow(dead_code, reason = "only a persistent sandbox stores clips"))]
pub(crate) mod clip_store;
pub(crate) mod links;
pub(crate) mod range;
pub(crate) mod source;
#[cfg(any(test, not(feature = "render")))]
mod stock;
