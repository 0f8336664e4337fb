//! The memory that a download of a large clip takes.
//!
//! This program has one test, since the allocator counts for the whole process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use infrai_video::transport::{ResponseBody, Transport};
use support::frame::frame;
use support::hostile::client;
use support::{SendFuture, on_a_paused_clock};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const MIB: usize = 1024 * 1024;
/// The size of the clip.
const CLIP: usize = 192 * MIB;
/// The memory that the download may take.
const LIMIT: usize = 4 * MIB;

/// Serves a link, and a clip that consists of one frame and a long `free` box.
struct LongClip;

impl LongClip {
    /// The first box of the frame, and its remaining boxes.
    fn split() -> (Bytes, Bytes) {
        let frame = frame();
        let first = u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
        (Bytes::from_static(&frame[..first]), Bytes::from_static(&frame[first..]))
    }

    fn clip() -> Response<ResponseBody> {
        let (first, rest) = Self::split();
        let free = [u32::try_from(CLIP).unwrap().to_be_bytes(), *b"free"].concat();
        let filler = (0..(CLIP - 8) / 8).step_by(8192).map(move |at| {
            let left = (CLIP - 8 - at * 8).min(65_536);
            Bytes::from(vec![0; left])
        });
        let length = first.len() + CLIP + rest.len();
        let parts = [first, free.into()].into_iter().chain(filler).chain([rest]);
        Response::builder()
            .header("content-type", "video/mp4")
            .header("content-length", length)
            .header("etag", "\"a\"")
            .body(stream::iter(parts.map(Ok)).boxed() as ResponseBody)
            .unwrap()
    }
}

impl Transport for LongClip {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let is_link = request.uri().path().starts_with("/v1/video/");
        Box::pin(async move {
            let link = r#"{"ok":true,"data":{"url":"https://files.example.com/clip.mp4"}}"#;
            match is_link {
                true => Ok(Response::new(stream::iter([Ok(Bytes::from_static(link.as_bytes()))]).boxed())),
                false => Ok(Self::clip()),
            }
        })
    }
}

#[test]
fn a_large_clip_is_saved_in_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clip.mp4");
    frame();
    let profiler = dhat::Profiler::builder().testing().build();
    let saved = on_a_paused_clock(client(LongClip).job("vj_1").download().to_path(&path)).unwrap();
    let peak = dhat::HeapStats::get().max_bytes;
    drop(profiler);
    assert!(saved.bytes > CLIP as u64);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), saved.bytes);
    assert!(peak < LIMIT, "{peak} bytes at the peak, for a clip of {CLIP}");
}
