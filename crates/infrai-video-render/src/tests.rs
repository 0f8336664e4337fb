mod captions;
mod scenes;

use std::time::Duration;

use crate::{Clip, RenderError, Scene, render};

/// A scene small enough for tests.
fn scene(prompt: &str) -> Scene {
    Scene { prompt: prompt.to_owned(), seed: 7, width: 96, height: 54, duration: Duration::from_millis(250) }
}

fn rendered(scene: &Scene) -> Clip {
    render(scene).unwrap()
}

/// The kind, the content and the place of each box at one level of the file.
fn boxes(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        let kind = String::from_utf8(bytes[4..8].to_vec()).unwrap();
        let (header, size) = match size {
            1 => (16, u64::from_be_bytes(bytes[8..16].try_into().unwrap()) as usize),
            _ => (8, size),
        };
        found.push((kind, &bytes[header..size]));
        bytes = &bytes[size..];
    }
    found
}

/// The content of the box at a path such as `moov/mvhd`.
fn inner<'a>(bytes: &'a [u8], path: &str) -> &'a [u8] {
    path.split('/').fold(bytes, |bytes, kind| {
        boxes(bytes)
            .into_iter()
            .find(|(found, _)| found == kind)
            .unwrap_or_else(|| panic!("no {kind} of {path}"))
            .1
    })
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

/// Timescale and duration from an `mvhd` or `mdhd` box, which come in two versions.
fn timing(header: &[u8]) -> (u64, u64) {
    match header[0] {
        0 => (number(header, 12), number(header, 16)),
        _ => (number(header, 20), (number(header, 24) << 32) | number(header, 28)),
    }
}

const STBL: &str = "moov/trak/mdia/minf/stbl";

fn table<'a>(clip: &'a Clip, name: &str) -> &'a [u8] {
    inner(&clip.mp4, &format!("{STBL}/{name}"))
}

fn frames(clip: &Clip) -> u64 {
    number(table(clip, "stsz"), 8)
}

/// The frames at which a player can start, counted from 1.
fn key_frames(clip: &Clip) -> Vec<u64> {
    let stss = boxes(inner(&clip.mp4, STBL)).into_iter().find(|(kind, _)| kind == "stss");
    match stss {
        Some((_, stss)) => (0..number(stss, 4) as usize).map(|index| number(stss, 8 + 4 * index)).collect(),
        None => (1..=frames(clip)).collect(),
    }
}

/// The size that a decoder shows, read from the sequence parameters of a baseline stream.
fn decoded_size(clip: &Clip) -> (u64, u64) {
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource;

    let stsd = table(clip, "stsd");
    let entry = &boxes(&stsd[8..])[0].1[78..];
    let avcc = inner(entry, "avcC");
    let sps_length = usize::from(u16::from_be_bytes([avcc[6], avcc[7]]));
    let sps = &avcc[8..8 + sps_length];
    let pps = &avcc[8 + sps_length + 3..];
    let mut stream = [&[0, 0, 0, 1], sps, &[0, 0, 0, 1], pps].concat();
    let data = inner(&clip.mp4, "mdat");
    let first = &data[4..4 + number(data, 0) as usize];
    stream.extend_from_slice(&[0, 0, 0, 1]);
    stream.extend_from_slice(first);
    let mut decoder = Decoder::new().unwrap();
    let picture = match decoder.decode(&stream).unwrap() {
        Some(picture) => picture.dimensions(),
        None => decoder.flush_remaining().unwrap()[0].dimensions(),
    };
    (picture.0 as u64, picture.1 as u64)
}

#[test]
fn the_same_scene_gives_the_same_bytes() {
    let long = Scene { duration: Duration::from_secs(3), ..scene("a calm lake at dusk") };
    assert_eq!(rendered(&long), rendered(&long));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    use crate::mp4;
    use crate::render::{encode_group, groups};
    use crate::scene::Picture;
    use crate::video::EncodedVideo;

    let scene = Scene { duration: Duration::from_secs(5), ..scene("a city in the rain") };
    let picture = Picture::new(&scene, 120);
    assert_eq!(groups(120), [0..30, 30..60, 60..90, 90..120]);
    let one_by_one = groups(120).into_iter().map(|group| encode_group(&scene, &picture, group).unwrap());
    assert_eq!(mp4::mux(&EncodedVideo::join(one_by_one).unwrap()).unwrap(), rendered(&scene).mp4);
}

#[test]
fn another_seed_or_prompt_gives_another_clip() {
    let first = rendered(&scene("a calm lake"));
    assert_ne!(first.mp4, rendered(&Scene { seed: 8, ..scene("a calm lake") }).mp4);
    assert_ne!(first.mp4, rendered(&scene("a calm lake at night")).mp4);
}

#[test]
fn the_picture_moves() {
    use crate::frame::Frame;
    use crate::scene::Picture;

    for terrain in [
        "meadow",
        "forest",
        "mountains",
        "city",
        "ocean",
        "desert",
        "snow",
        "lighthouse",
        "river",
        "aurora",
        "storm",
    ] {
        let scene = Scene { width: 320, height: 180, ..scene(terrain) };
        let picture = Picture::new(&scene, 48);
        let [first, later] = [0, 24].map(|index| {
            let mut frame = Frame::new(320, 180);
            picture.paint(index, &mut frame);
            frame.planes[0].data.clone()
        });
        let changed = first.iter().zip(&later).filter(|(first, later)| first.abs_diff(**later) > 8).count();
        assert!(changed > 320 * 180 / 200, "{terrain}: {changed} pixels");
    }
}

#[test]
fn a_decoder_sees_the_size_that_was_asked_for() {
    // Neither 54 nor 90 nor 1080 is a multiple of the 16 lines that are encoded at once.
    for (width, height) in [(96, 54), (54, 96), (90, 90), (16, 16), (1920, 1080)] {
        let clip = rendered(&Scene { width, height, duration: Duration::from_millis(1), ..scene("hills") });
        assert_eq!(decoded_size(&clip), (u64::from(width), u64::from(height)));
        let tkhd = inner(&clip.mp4, "moov/trak/tkhd");
        let corner = tkhd.len() - 8;
        assert_eq!(
            (number(tkhd, corner) >> 16, number(tkhd, corner + 4) >> 16),
            (width.into(), height.into())
        );
    }
}

#[test]
fn the_index_comes_before_the_data() {
    let clip = rendered(&scene("a forest"));
    let order: Vec<String> = boxes(&clip.mp4).into_iter().map(|(kind, _)| kind).collect();
    let place = |kind: &str| order.iter().position(|found| found == kind).unwrap();
    assert_eq!(place("ftyp"), 0);
    assert!(place("moov") < place("mdat"));
    assert_eq!(place("mdat"), order.len() - 1);
}

#[test]
fn durations_are_rounded_to_a_frame_and_exact_in_each_header() {
    let cases = [(0.001, 1), (0.04, 1), (0.07, 2), (0.25, 6), (2.5, 60), (5.0, 120)];
    for (seconds, wanted) in cases {
        let clip = rendered(&Scene {
            width: 32,
            height: 32,
            duration: Duration::from_secs_f64(seconds),
            ..scene("a meadow")
        });
        assert_eq!(frames(&clip), wanted, "{seconds} s");
        let (timescale, duration) = timing(inner(&clip.mp4, "moov/mvhd"));
        assert_eq!(duration * 24, wanted * timescale, "{seconds} s");
        assert_eq!(timing(inner(&clip.mp4, "moov/trak/mdia/mdhd")), (timescale, duration), "{seconds} s");
        let tkhd = inner(&clip.mp4, "moov/trak/tkhd");
        let tkhd_duration = if tkhd[0] == 0 { number(tkhd, 20) } else { number(tkhd, 32) };
        assert_eq!(tkhd_duration, duration, "{seconds} s");
    }
}

#[test]
fn a_player_can_jump_to_a_key_frame_at_least_every_two_seconds() {
    for seconds in [1, 2, 3, 5, 9] {
        let clip = rendered(&Scene {
            width: 32,
            height: 32,
            duration: Duration::from_secs(seconds),
            ..scene("dunes")
        });
        let mut keys = key_frames(&clip);
        assert_eq!(keys[0], 1);
        keys.push(frames(&clip) + 1);
        assert!(keys.windows(2).all(|pair| pair[1] - pair[0] <= 48), "{seconds} s: {keys:?}");
    }
}

#[test]
fn every_byte_of_the_data_belongs_to_a_frame() {
    let clip = rendered(&scene("an island"));
    let sizes = table(&clip, "stsz");
    let sum: u64 = (0..frames(&clip) as usize).map(|index| number(sizes, 12 + 4 * index)).sum();
    let data = inner(&clip.mp4, "mdat");
    assert_eq!(sum, data.len() as u64);
    let offset = number(table(&clip, "stco"), 8) as usize;
    assert_eq!(offset, clip.mp4.len() - data.len());
}

#[test]
fn any_prompt_is_drawn() {
    let long_word = "w".repeat(5_000);
    let prompts = [
        "",
        " \n\t ",
        "\0\u{7}\u{1b}[31m",
        "🦊🎉👩‍👩‍👧‍👦🏳️‍🌈",
        "一只狐狸在雪山的森林里奔跑",
        "غروب الشمس فوق البحر",
        "שלום abc עולם 123",
        "ก็ हिन्दी e\u{301}\u{302}\u{303}",
        "\u{202e}\u{2066}\u{200f}right to left\u{2069}",
        "\u{fffd}\u{10ffff}\u{e000}\u{feff}",
        "İstanbul ẞ ǅ ﷽ 𝔘𝔫𝔦",
        &long_word,
    ];
    for prompt in prompts {
        for (width, height) in [(96, 54), (16, 16)] {
            let clip =
                rendered(&Scene { width, height, duration: Duration::from_millis(1), ..scene(prompt) });
            assert_eq!(frames(&clip), 1, "{prompt:?}");
        }
    }
}

#[test]
fn every_land_time_and_weather_is_drawn() {
    let terrains = ["meadow", "forest", "mountains", "city", "ocean", "desert", "snow"];
    let times = ["dawn", "day", "dusk", "night"];
    let airs = ["snowfall", "rain", "petals", "leaves", "fireflies", "lanterns", "fog"];
    for terrain in terrains {
        for time in times {
            for air in airs {
                let prompt = format!("{terrain} {time} {air}");
                let clip = rendered(&Scene {
                    width: 48,
                    height: 32,
                    duration: Duration::from_millis(80),
                    ..scene(&prompt)
                });
                assert_eq!(frames(&clip), 2, "{prompt}");
            }
        }
    }
}

#[test]
fn the_thumbnail_is_a_jpeg_of_the_same_shape() {
    for ((width, height), wanted) in
        [((640, 360), (320, 180)), ((360, 640), (180, 320)), ((96, 54), (96, 54))]
    {
        let clip = rendered(&Scene { width, height, duration: Duration::from_millis(1), ..scene("hills") });
        let jpeg = &clip.thumbnail_jpeg;
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
        let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        let side = |at: usize| u16::from_be_bytes([jpeg[frame + at], jpeg[frame + at + 1]]);
        assert_eq!((side(7), side(5)), wanted);
    }
}

#[test]
fn impossible_scenes_are_refused_with_the_reason() {
    let odd = render(&Scene { width: 97, ..scene("x") }).unwrap_err();
    assert!(matches!(odd, RenderError::Size { width: 97, height: 54 }), "{odd}");
    for (width, height) in [(0, 0), (8, 64), (3842, 64), (2162, 2162)] {
        let error = render(&Scene { width, height, ..scene("x") }).unwrap_err();
        assert!(matches!(error, RenderError::Size { .. }), "{error}");
    }
    for duration in [Duration::ZERO, Duration::from_secs(601), Duration::MAX] {
        let error = render(&Scene { duration, ..scene("x") }).unwrap_err();
        assert!(matches!(error, RenderError::Duration(_)), "{error}");
    }
}
