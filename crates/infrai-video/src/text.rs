pub(crate) use infrai_video_client::{one_line, what_is_wrong};
