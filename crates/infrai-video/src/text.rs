//! Texts of a server, prepared for display.

pub(crate) use infrai_video_client::{describe_decode_error, one_line};
