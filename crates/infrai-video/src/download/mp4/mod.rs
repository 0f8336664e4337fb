//! Checks that a file is a whole MP4: every box complete, a track with samples, and every sample within the file.
//!
//! In a fragmented file only the boxes are checked: its movie box has the tracks, not the samples.

mod boxes;
mod samples;

#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom};

use boxes::Kind;

/// The maximum size of a movie box; that of a clip has a few hundred kilobytes.
const MAX_MOOV_BYTES: u64 = 64 * 1024 * 1024;

/// The maximum number of boxes; a fragmented clip has a few for each second.
const MAX_BOXES: u32 = 100_000;

/// Checks a file of `len` bytes.
///
/// # Errors
///
/// The defect, as a text that completes "the clip is not a whole MP4: ...".
pub(super) fn check(file: &mut (impl Read + Seek), len: u64) -> Result<(), String> {
    let mut seen = Seen::default();
    let (mut position, mut boxes) = (0, 0);
    while position < len {
        boxes += 1;
        if boxes > MAX_BOXES {
            return Err("it has too many boxes".to_owned());
        }
        let Some(top) = Top::read(file, position, len)? else { break };
        if position == 0 && top.kind != *b"ftyp" {
            return Err(format!("it starts with {} and not with ftyp", name(top.kind)));
        }
        match &top.kind {
            b"mdat" => seen.media = true,
            b"moof" => seen.fragmented = true,
            b"moov" => seen.movie(&read(file, top.body, top.end)?)?,
            _ => {}
        }
        seen.open_end |= top.open_end;
        position = top.end;
    }
    seen.check(len)
}

/// Facts about the boxes of a file.
#[derive(Default)]
struct Seen {
    track: bool,
    media: bool,
    fragmented: bool,
    /// The last box has no size.
    open_end: bool,
    /// The end of the last sample.
    end: Option<u64>,
}

impl Seen {
    fn movie(&mut self, movie: &[u8]) -> Result<(), String> {
        self.fragmented |= samples::child(movie, b"mvex")?.is_some();
        for child in boxes::children(movie) {
            let (kind, body) = child.ok_or("its movie box is broken")?;
            if kind == *b"trak" {
                self.track = true;
                self.end = self.end.max(samples::end_of_track(body)?);
            }
        }
        Ok(())
    }

    fn check(&self, len: u64) -> Result<(), String> {
        let wrong = if !self.track {
            "it has no movie box with a track"
        } else if !self.media {
            "it has no media data"
        } else if self.end.is_none() && !self.fragmented {
            "it has no samples"
        } else if self.end.is_some_and(|end| end > len) {
            "a sample lies beyond its end"
        } else if self.fragmented && self.open_end {
            "its last box does not say where it ends"
        } else {
            return Ok(());
        };
        Err(wrong.to_owned())
    }
}

/// A top-level box.
struct Top {
    kind: Kind,
    /// The offset of its body.
    body: u64,
    end: u64,
    /// It has no size, and extends to the end of the file.
    open_end: bool,
}

impl Top {
    /// The box at `position`, or `None` if only zeros follow, which are padding.
    fn read(file: &mut (impl Read + Seek), position: u64, len: u64) -> Result<Option<Self>, String> {
        file.seek(SeekFrom::Start(position)).map_err(unreadable)?;
        let mut header = [0; 16];
        let there = usize::try_from(len - position).unwrap_or(usize::MAX).min(header.len());
        file.read_exact(&mut header[..there]).map_err(unreadable)?;
        let [s0, s1, s2, s3, k0, k1, k2, k3, long @ ..] = header;
        let (size, kind) = (u32::from_be_bytes([s0, s1, s2, s3]), [k0, k1, k2, k3]);
        if size == 0 && kind == [0; 4] && only_zeros(file, position, len)? {
            return Ok(None);
        }
        let header_size = if size == 1 { 16 } else { 8 };
        if there < header_size {
            return Err(format!("the box at byte {position} has no header"));
        }
        let size = match size {
            0 => len - position,
            1 => u64::from_be_bytes(long),
            size => u64::from(size),
        };
        let header_size = header_size as u64;
        let end = position.checked_add(size).filter(|end| size >= header_size && *end <= len);
        let end = end.ok_or_else(|| format!("the box {} at byte {position} is cut short", name(kind)))?;
        Ok(Some(Self { kind, body: position + header_size, end, open_end: header[..4] == [0; 4] }))
    }
}

fn only_zeros(file: &mut (impl Read + Seek), position: u64, len: u64) -> Result<bool, String> {
    file.seek(SeekFrom::Start(position)).map_err(unreadable)?;
    let mut rest = file.take(len - position);
    let mut block = [0; 4096];
    loop {
        match rest.read(&mut block).map_err(unreadable)? {
            0 => return Ok(true),
            count if block[..count].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Vec<u8>, String> {
    if end - start > MAX_MOOV_BYTES {
        return Err("its movie box is too large".to_owned());
    }
    file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn unreadable(error: io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// The type of a box, escaped for display.
fn name(kind: Kind) -> String {
    kind.escape_ascii().to_string()
}
