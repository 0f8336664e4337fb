//! Frame sizes of the resolutions and aspect ratios of the API.

/// The longest clip that can be produced, in seconds.
pub(crate) const LONGEST_CLIP: f64 = 600.0;

/// Returns width and height in pixels of a resolution and an aspect ratio of the API.
///
/// Known are `720p`, `1080p` and `4k` with `16:9`, `9:16` and `1:1`; anything else returns `None`.
pub(crate) fn frame_size(resolution: &str, aspect: &str) -> Option<(u32, u32)> {
    let (long, short) = match resolution {
        "720p" => (1280, 720),
        "1080p" => (1920, 1080),
        "4k" => (3840, 2160),
        _ => return None,
    };
    match aspect {
        "16:9" => Some((long, short)),
        "9:16" => Some((short, long)),
        "1:1" => Some((short, short)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_size_is_known_and_no_other() {
        let known = [
            ("720p", [(1280, 720), (720, 1280), (720, 720)]),
            ("1080p", [(1920, 1080), (1080, 1920), (1080, 1080)]),
            ("4k", [(3840, 2160), (2160, 3840), (2160, 2160)]),
        ];
        for (resolution, sizes) in known {
            for (aspect, size) in ["16:9", "9:16", "1:1"].into_iter().zip(sizes) {
                assert_eq!(frame_size(resolution, aspect), Some(size), "{resolution} {aspect}");
            }
        }
        assert_eq!(frame_size("8k", "16:9"), None);
        assert_eq!(frame_size("720p", "4:3"), None);
    }
}
