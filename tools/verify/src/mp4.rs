//! As much of an MP4 file as a verdict needs.

/// Whether the bytes begin as an MP4 file.
pub(crate) fn is_mp4(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ftyp")
}

/// Width and height of the first picture track.
pub(crate) fn picture(bytes: &[u8]) -> Option<(u32, u32)> {
    if !is_mp4(bytes) {
        return None;
    }
    let headers = bytes.windows(4).enumerate().filter(|(_, name)| name == b"tkhd");
    headers.map(|(index, _)| index + 4).find_map(|start| {
        // Times have 4 bytes in version 0 and 8 in version 1.
        let end = start + if bytes.get(start)? == &1 { 96 } else { 84 };
        let size = bytes.get(end - 8..end)?;
        // The track of a sound has no size.
        let [width, height] = [&size[..4], &size[4..]]
            .map(|part| u32::from_be_bytes(part.try_into().unwrap_or_default()) >> 16);
        (width > 0 && height > 0).then_some((width, height))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &[u8] = include_bytes!("../../../crates/infrai-video-sandbox/src/clips/stock/clip.mp4");

    #[test]
    fn the_size_of_the_picture_is_read() {
        assert!(is_mp4(CLIP));
        let (width, height) = picture(CLIP).unwrap();
        assert!(width > height && height > 100, "{width} x {height}");
    }

    #[test]
    fn damaged_files_have_no_picture() {
        assert_eq!(picture(b""), None);
        assert_eq!(picture(b"\0\0\0\x08ftyptkhd"), None);
        assert_eq!(picture(&CLIP[1..]), None);
    }
}
