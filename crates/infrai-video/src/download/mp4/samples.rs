//! The position of a track's samples, by its sample table.
//!
//! The table is read in place. Each entry is read once, and a count is limited by the bytes of the table.

use std::iter::Peekable;

use super::boxes::children;

const BROKEN: &str = "its movie box is broken";

/// The offset at which the last sample of a track ends, or `None` for a track without samples.
pub(super) fn end_of_track(track: &[u8]) -> Result<Option<u64>, &'static str> {
    let media = child(track, b"mdia")?.ok_or(BROKEN)?;
    let information = child(media, b"minf")?.ok_or(BROKEN)?;
    let table = child(information, b"stbl")?.ok_or(BROKEN)?;
    let mut sizes = Sizes::of(table)?;
    let mut runs = Runs::of(table)?;
    let mut end = None;
    for (index, offset) in (1..).zip(offsets(table)?) {
        let count = runs.samples_in(index);
        let (samples, bytes) = sizes.take(count);
        if samples > 0 {
            end = end.max(Some(offset.saturating_add(bytes)));
        }
    }
    Ok(end)
}

/// The first box of this type.
pub(super) fn child<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Result<Option<&'a [u8]>, &'static str> {
    for child in children(bytes) {
        let (kind, body) = child.ok_or(BROKEN)?;
        if kind == *wanted {
            return Ok(Some(body));
        }
    }
    Ok(None)
}

/// The offsets of the chunks (`stco`, `co64`), each of which is a sequence of samples without gaps.
fn offsets(table: &[u8]) -> Result<Box<dyn Iterator<Item = u64> + '_>, &'static str> {
    if let Some(body) = child(table, b"stco")? {
        return Ok(Box::new(entries(body, 4)?.map(|offset| u64::from(u32::from_be_bytes(*offset)))));
    }
    let body = child(table, b"co64")?.ok_or(BROKEN)?;
    Ok(Box::new(entries(body, 4)?.map(|offset| u64::from_be_bytes(*offset))))
}

/// The number of samples of each chunk (`stsc`), as runs of chunks.
struct Runs<'a> {
    runs: Peekable<Box<dyn Iterator<Item = &'a [u8; 12]> + 'a>>,
    samples: u32,
}

impl<'a> Runs<'a> {
    fn of(table: &'a [u8]) -> Result<Self, &'static str> {
        let runs: Box<dyn Iterator<Item = _>> = Box::new(entries(child(table, b"stsc")?.ok_or(BROKEN)?, 4)?);
        Ok(Self { runs: runs.peekable(), samples: 0 })
    }

    /// The number of samples of a chunk. Chunks are counted from 1, and must be passed in order.
    fn samples_in(&mut self, chunk: u64) -> u32 {
        while let Some(run) = self.runs.next_if(|run| u64::from(number(run, 0)) <= chunk) {
            self.samples = number(run, 4);
        }
        self.samples
    }
}

/// The sizes of the samples (`stsz`, `stz2`).
enum Sizes<'a> {
    Same { size: u32, left: u32 },
    Each(Box<dyn Iterator<Item = u64> + 'a>),
}

impl<'a> Sizes<'a> {
    fn of(table: &'a [u8]) -> Result<Self, &'static str> {
        let Some(body) = child(table, b"stsz")? else {
            return Self::compact(child(table, b"stz2")?.ok_or(BROKEN)?);
        };
        match field(body, 4)? {
            0 => {
                let sizes = entries(body, 8)?;
                Ok(Self::Each(Box::new(sizes.map(|size| u64::from(u32::from_be_bytes(*size))))))
            }
            size => Ok(Self::Same { size, left: field(body, 8)? }),
        }
    }

    /// Sizes of 4, 8 or 16 bits.
    fn compact(body: &'a [u8]) -> Result<Self, &'static str> {
        let count = field(body, 8)? as usize;
        Ok(Self::Each(match field(body, 4)? & 0xff {
            4 => {
                let pairs = body.get(12..).and_then(|pairs| pairs.get(..count.div_ceil(2))).ok_or(BROKEN)?;
                let halves = pairs.iter().flat_map(|pair| [u64::from(pair >> 4), u64::from(pair & 0xf)]);
                Box::new(halves.take(count))
            }
            8 => Box::new(entries(body, 8)?.map(|[size]| u64::from(*size))),
            16 => Box::new(entries(body, 8)?.map(|size| u64::from(u16::from_be_bytes(*size)))),
            _ => return Err(BROKEN),
        }))
    }

    /// Takes the next `count` samples, or all remaining ones. Returns their number and their size.
    fn take(&mut self, count: u32) -> (u32, u64) {
        match self {
            Self::Same { size, left } => {
                let taken = count.min(*left);
                *left -= taken;
                (taken, u64::from(taken) * u64::from(*size))
            }
            Self::Each(sizes) => {
                sizes.take(count as usize).fold((0, 0), |(samples, bytes), size| (samples + 1, bytes + size))
            }
        }
    }
}

/// The entries of a table that follow their count at this offset.
fn entries<const N: usize>(
    body: &[u8],
    count_at: usize,
) -> Result<impl Iterator<Item = &[u8; N]>, &'static str> {
    let count = field(body, count_at)? as usize;
    let table = body.get(count_at + 4..).unwrap_or_default();
    let entries = count.checked_mul(N).and_then(|length| table.get(..length));
    let entries = entries.ok_or("its sample table is cut short")?;
    Ok(entries.chunks_exact(N).filter_map(<[u8]>::first_chunk))
}

fn field(body: &[u8], at: usize) -> Result<u32, &'static str> {
    let bytes = body.get(at..).and_then(|bytes| bytes.first_chunk()).ok_or(BROKEN)?;
    Ok(u32::from_be_bytes(*bytes))
}

fn number(entry: &[u8; 12], at: usize) -> u32 {
    u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
}
