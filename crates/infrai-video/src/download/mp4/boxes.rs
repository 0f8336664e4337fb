//! Boxes inside a box, read from memory.

/// The type of a box.
pub(super) type Kind = [u8; 4];

/// The boxes in `bytes`. Zeros at the end are padding, which some writers leave.
pub(super) fn children(bytes: &[u8]) -> Children<'_> {
    Children(bytes)
}

pub(super) struct Children<'a>(&'a [u8]);

impl<'a> Iterator for Children<'a> {
    /// The type and the body, or `None` if the box does not fit.
    type Item = Option<(Kind, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.0);
        if bytes.is_empty() || (bytes[0] == 0 && bytes.iter().all(|byte| *byte == 0)) {
            return None;
        }
        let child = split(bytes);
        if let Some((_, _, rest)) = child {
            self.0 = rest;
        }
        Some(child.map(|(kind, body, _)| (kind, body)))
    }
}

/// The first box of `bytes`, and the remaining bytes.
fn split(bytes: &[u8]) -> Option<(Kind, &[u8], &[u8])> {
    let (size, after) = bytes.split_first_chunk()?;
    let (kind, after) = after.split_first_chunk()?;
    let size = u64::from(u32::from_be_bytes(*size));
    let body_size = match size {
        0 => after.len() as u64,
        1 => u64::from_be_bytes(*after.first_chunk()?).checked_sub(8)?,
        size => size.checked_sub(8)?,
    };
    let (body, rest) = after.split_at_checked(usize::try_from(body_size).ok()?)?;
    let body = if size == 1 { body.get(8..)? } else { body };
    Some((*kind, body, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Option<(Kind, usize)>> {
        children(bytes).map(|child| child.map(|(kind, body)| (kind, body.len()))).collect()
    }

    #[test]
    fn boxes_are_read_one_after_the_other() {
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\0\0\0\x09free1\0\0\0\x08skip"), [Some((*b"free", 1)), Some((*b"skip", 0))]);
        assert_eq!(read(b"\0\0\0\x01free\0\0\0\0\0\0\0\x1212"), [Some((*b"free", 2))]);
        assert_eq!(read(b"\0\0\0\0free123"), [Some((*b"free", 3))]);
        assert_eq!(read(b"\0\0\0\x08free\0\0\0\0"), [Some((*b"free", 0))], "zeros are padding");
    }

    #[test]
    fn a_box_that_does_not_fit_ends_the_reading() {
        for bytes in [
            &b"\0\0\0\x09free"[..],
            b"\0\0\0\x07free",
            b"\0\0\0\x01free",
            b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f",
            b"\0\0\0\x01free\0\0\0\0\0\0\0\x04",
            b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xff\xff\xff\xff",
        ] {
            assert_eq!(read(bytes), [None], "{bytes:?}");
        }
    }
}
