//! Clips for simulations: whole MP4 files that are generated quickly and differ for each prompt.

use crate::support::frame::frame;

/// One frame, with a `free` box after the first box whose content depends on the prompt.
pub(crate) fn of_prompt(prompt: &str) -> Vec<u8> {
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
