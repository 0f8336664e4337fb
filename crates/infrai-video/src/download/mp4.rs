//! Whether a file is a whole MP4: every box complete, a track with samples, and every sample within the file.

use std::io::{Read, Seek, SeekFrom};

use mp4_atom::{FourCC, Header, Moov, ReadAtom as _, ReadFrom as _};

/// A movie box larger than this is not read; a clip's has a few hundred kilobytes.
const MAX_MOOV_BYTES: u64 = 64 * 1024 * 1024;

/// Checks a file of `len` bytes.
///
/// # Errors
///
/// What is wrong, in words that complete "the clip is not a whole MP4: ...".
pub(super) fn check(file: &mut (impl Read + Seek), len: u64) -> Result<(), String> {
    let mut moov = None;
    let (mut samples, mut first) = (false, true);
    let mut position = 0;
    while position < len {
        file.seek(SeekFrom::Start(position)).map_err(|error| error.to_string())?;
        let header = Header::read_from(&mut file.by_ref().take(len - position))
            .map_err(|_| format!("the box at byte {position} has no header"))?;
        let body = file.stream_position().map_err(|error| error.to_string())?;
        let end = match header.size {
            Some(size) => body.checked_add(size as u64).filter(|end| *end <= len),
            None => Some(len),
        };
        let kind = header.kind;
        let end = end.ok_or_else(|| format!("the box {kind} at byte {position} is cut short"))?;
        if first && kind != FourCC::new(b"ftyp") {
            return Err(format!("it starts with {kind} and not with ftyp"));
        }
        first = false;
        if kind == FourCC::new(b"mdat") {
            samples = true;
        } else if kind == FourCC::new(b"moov") {
            if end - body > MAX_MOOV_BYTES {
                return Err("its movie box is too large".to_owned());
            }
            let read = Moov::read_atom(&header, &mut file.by_ref().take(end - body));
            moov = Some(read.map_err(|error| format!("its movie box is broken: {error}"))?);
        }
        position = end;
    }
    let moov = moov.ok_or("it has no movie box")?;
    if !samples {
        return Err("it has no media data".to_owned());
    }
    check_tracks(&moov, len)
}

fn check_tracks(moov: &Moov, len: u64) -> Result<(), String> {
    if moov.trak.is_empty() {
        return Err("it has no track".to_owned());
    }
    for track in &moov.trak {
        let table = &track.mdia.minf.stbl;
        let short = table.stco.iter().flat_map(|chunks| &chunks.entries).map(|offset| u64::from(*offset));
        let long = table.co64.iter().flat_map(|chunks| &chunks.entries).copied();
        if short.chain(long).any(|offset| offset >= len) {
            return Err("a sample lies beyond its end".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn verdict(bytes: &[u8]) -> Result<(), String> {
        check(&mut Cursor::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn what_is_no_mp4_is_named() {
        for (bytes, what) in [
            (&b""[..], "no movie box"),
            (b"<html>an error page</html>", "cut short"),
            (b"\0\0\0", "no header"),
            (b"\0\0\0\x08free", "starts with free"),
            (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x20mdat", "mdat at byte 16 is cut short"),
            (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov", "movie box is broken"),
            (b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff", "cut short"),
        ] {
            let error = verdict(bytes).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }
}
