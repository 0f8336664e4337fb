//! A clip of any size: a small one followed by a `free` box, which players skip.

use std::convert::Infallible;
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue};

use crate::{Body, Failure};

const BLOCK: usize = 256 * 1024;

pub(crate) struct Clip {
    /// Everything before the contents of the box.
    start: Bytes,
    block: Bytes,
    length: u64,
}

impl Clip {
    pub(crate) fn padded(path: &Path, length: u64) -> Result<Self, Failure> {
        let mut start = std::fs::read(path)?;
        let padding = length.checked_sub(start.len() as u64).and_then(|padding| u32::try_from(padding).ok());
        let padding = padding.filter(|padding| *padding >= 8).ok_or("the clip cannot be made that large")?;
        start.extend(padding.to_be_bytes());
        start.extend(b"free");
        // Not zeros, which some file systems would not write.
        let noise = (0..BLOCK as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8);
        Ok(Self { start: start.into(), block: noise.collect(), length })
    }

    pub(crate) fn response(&self) -> Response<Body> {
        let (start, block) = (self.start.clone(), self.block.clone());
        let mut left = self.length - start.len() as u64;
        let padding = std::iter::from_fn(move || {
            let size = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
            left -= size as u64;
            (size > 0).then(|| block.slice(..size))
        });
        let frames =
            std::iter::once(start).chain(padding).map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
        let mut response = Response::new(StreamBody::new(stream::iter(frames)).boxed());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.length));
        headers.insert(ETAG, HeaderValue::from_static("\"fixed\""));
        response
    }
}
