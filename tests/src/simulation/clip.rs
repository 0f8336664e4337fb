//! Clips for simulations: whole MP4s that are made in no time and differ from prompt to prompt.

use crate::frame::frame;

/// One frame, with a `free` box after the first box that holds what only this prompt gives.
pub(super) fn of_prompt(prompt: &str) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(
        prompt.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))),
    );
    let length = random.usize(2_000..40_000);
    let filler: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    let frame = frame();
    let first = u32::from_be_bytes(frame[..4].try_into().expect("four bytes")) as usize;
    let mut mp4 = frame[..first].to_vec();
    mp4.extend(u32::try_from(filler.len() + 8).expect("a small box").to_be_bytes());
    mp4.extend(b"free");
    mp4.extend(filler);
    mp4.extend(&frame[first..]);
    mp4
}
