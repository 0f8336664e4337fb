//! The text of a prompt on a clip: what is left out, where it is cut, and where it stands.

use crate::frame::Frame;
use crate::scene::caption::{Caption, fit, text};

/// 720p, 1080p and 4k at 16:9, 9:16 and 1:1.
const SIZES: [(usize, usize); 9] = [
    (1280, 720),
    (720, 1280),
    (720, 720),
    (1920, 1080),
    (1080, 1920),
    (1080, 1080),
    (3840, 2160),
    (2160, 3840),
    (2160, 2160),
];

/// The lines of a prompt on a frame, and their size and greatest width.
fn lines(prompt: &str, (width, height): (usize, usize)) -> (Vec<String>, f32, f32) {
    let unit = width.min(height) as f32 / 720.0;
    let limit = width as f32 - 116.0 * unit;
    let (lines, size) = fit(&text::clean(prompt), unit, limit);
    (lines, size, limit)
}

/// The columns and rows of the letters of a caption, from the first to the last. `None` if there are none.
fn letters(prompt: &str, (width, height): (usize, usize)) -> Option<[usize; 4]> {
    let mut frame = Frame::new(width, height);
    Caption::new(prompt, width, height).paint(&mut frame);
    // The mark is in the upper part.
    let inked = (height / 4 * width..width * height).filter(|at| frame.planes[0].data[*at] > 120);
    inked.map(|at| (at % width, at / width)).fold(None, |found, (x, y)| {
        let [left, right, top, bottom] = found.unwrap_or([x, x, y, y]);
        Some([left.min(x), right.max(x), top.min(y), bottom.max(y)])
    })
}

#[test]
fn what_has_no_glyph_is_left_out() {
    let cases = [
        ("a lighthouse\nin a\r\n\tstorm ", "a lighthouse in a storm"),
        ("a rocket 🚀 to the moon 🌕, in 4k 👩‍🚀!", "a rocket to the moon, in 4k!"),
        ("launch (🚀) now", "launch now"),
        ("🇩🇪 1️⃣ 👍🏽 ok", "1 ok"),
        ("🚀🌕👩‍🚀", ""),
        ("🚀, 🌕!", ""),
        ("", ""),
        ("\u{200b}\u{feff}\u{e000}\u{fffd}\u{10ffff}\0\u{1b}", ""),
        // What was there without any picture stays.
        ("???", "???"),
        ("東京の夜、雨。", "東京の夜、雨。"),
        ("한국의 산", "한국의 산"),
        ("Маяк, φάρος, žluťoučký", "Маяк, φάρος, žluťoučký"),
        // Accents join their letters, and other styles become plain.
        ("re\u{301}ve\u{301} Việt", "révé Việt"),
        ("𝓐 𝐛𝐨𝐥𝐝 𝔴𝔬𝔯𝔡", "A bold word"),
        ("z\u{337}\u{35b}\u{34e}\u{33d}\u{328}\u{31b}o", "z\u{337}\u{328}\u{31b}o"),
        ("\u{301}\u{302} x", "x"),
    ];
    for (prompt, wanted) in cases {
        assert_eq!(text::clean(prompt), wanted, "{prompt:?}");
    }
}

#[test]
fn every_character_that_is_kept_has_a_shape_and_the_others_take_no_room() {
    let blank = ('\0'..='\u{ffff}').filter(|c| !c.is_whitespace()).filter(|c| {
        let mut has_ink = false;
        let kept = text::clean(&c.to_string());
        text::draw(&kept, 16.0, 0.0, 14.0, |_, _, cover| has_ink |= cover > 0.3);
        kept.is_empty() == has_ink || kept.is_empty() != (text::width(&kept, 16.0) == 0.0)
    });
    assert_eq!(blank.collect::<String>(), "");
    // The bitmap font has boxes with the numbers of characters that do not exist, and dashed ones for controls.
    let unassigned = [
        '\u{378}', '\u{530}', '\u{7b2}', '\u{e123}', '\u{f8ff}', '\u{fdd0}', '\u{fffe}', '\u{fffc}', '\u{85}',
    ];
    let shown = unassigned.map(|c| text::clean(&format!("a{c}b")));
    assert!(shown.iter().all(|shown| shown.replace(' ', "") == "ab"), "{shown:?}");
}

#[test]
fn a_long_prompt_is_cut_to_two_lines_behind_a_word() {
    let prompt = "a quiet harbour town in the early morning, where boats leave one by one ".repeat(20);
    for size in SIZES {
        let (lines, letter, limit) = lines(&prompt, size);
        assert_eq!(lines.len(), 2, "{size:?}: {lines:?}");
        assert!(lines.iter().all(|line| text::width(line, letter) <= limit), "{size:?}: {lines:?}");
        let shown = lines.join(" ");
        let shown = shown.strip_suffix('…').unwrap_or_else(|| panic!("{size:?}: {shown}"));
        let rest = prompt.strip_prefix(shown).unwrap_or_else(|| panic!("{size:?}: {shown}"));
        assert!(rest.starts_with([' ', ',']), "{size:?}: {shown}");
    }
}

#[test]
fn text_without_spaces_is_cut_between_letters() {
    let kinds = [
        "x",
        "W",
        "e\u{332}",
        "東京",
        "夜、",
        "한국",
        "ป่า",
        "हिन्दी",
        "مدينة",
        "שָׁ",
        "https://example.com/?q=",
    ];
    for kind in kinds {
        let prompt = kind.repeat(600);
        for size in [(1280, 720), (720, 1280), (2160, 2160)] {
            let (lines, letter, limit) = lines(&prompt, size);
            assert_eq!(lines.len(), 2, "{kind} {size:?}");
            assert!(lines[1].ends_with('…'), "{kind} {size:?}: {}", lines[1]);
            let widths = lines.iter().map(|line| text::width(line, letter));
            assert!(widths.clone().all(|width| width <= limit), "{kind} {size:?}");
            assert!(widths.clone().all(|width| width > 0.8 * limit), "{kind} {size:?}: {lines:?}");
        }
    }
    // A letter keeps its mark at a cut.
    assert!(lines(&"e\u{332}".repeat(600), SIZES[0]).0[1].ends_with("e\u{332}…"));
    // A long word does not leave the line before it empty.
    let (cut, ..) = lines(&format!("a {}", "x".repeat(500)), SIZES[0]);
    assert!(cut[0].starts_with("a xxx") && cut.len() == 2, "{cut:?}");
}

#[test]
fn what_fits_is_not_cut() {
    for prompt in ["a lighthouse in a storm", "灯台", "🚀 to the moon"] {
        for size in SIZES {
            let (lines, ..) = lines(prompt, size);
            assert_eq!(lines.len(), 1, "{size:?}");
            assert_eq!(lines[0], text::clean(prompt), "{size:?}");
        }
    }
}

#[test]
fn letters_keep_clear_of_the_edges() {
    let long = "wide words Wj wide words ".repeat(30);
    let prompts =
        [long.as_str(), "gj", &"مدينة قديمة ".repeat(60), &"東京の街".repeat(60), &"yﷺÅ".repeat(300)];
    for size in [(1280, 720), (720, 1280), (720, 720), (1080, 1920), (2160, 3840)] {
        for prompt in prompts {
            let [left, right, top, bottom] =
                letters(prompt, size).unwrap_or_else(|| panic!("{prompt} {size:?}"));
            let (width, height) = (size.0 as f32, size.1 as f32);
            assert!(left as f32 >= 0.045 * width && right as f32 <= 0.955 * width, "{prompt} {size:?}");
            assert!(top as f32 >= 0.5 * height && bottom as f32 <= 0.95 * height, "{prompt} {size:?}");
        }
    }
}

#[test]
fn a_prompt_of_pictures_alone_has_no_band() {
    let painted = |prompt| {
        let mut frame = Frame::new(320, 180);
        for plane in &mut frame.planes {
            plane.data.fill(200);
        }
        Caption::new(prompt, 320, 180).paint(&mut frame);
        frame.planes[0].data[320 * 90..].iter().any(|luma| *luma != 200)
    };
    assert!(painted("a moon"));
    assert!(!painted("🌕🚀"));
    assert!(!painted(" \n "));
}

#[test]
fn text_from_right_to_left_stands_on_the_right_in_reading_order() {
    let [left, right, ..] = letters("مدينة", (1280, 720)).unwrap();
    assert!(left > 900 && right < 1230, "{left} {right}");
    let shown = |line: &str| text::in_display_order(line, text::is_right_to_left(line));
    assert_eq!(shown("אבג (דה) 12"), "12 (הד) גבא");
    // A mark stays behind its letter, and an ellipsis comes at the end, which is on the left.
    assert_eq!(shown("אָב…"), "…באָ");
    assert_eq!(shown("sea"), "sea");
    assert_eq!(text::in_display_order("sea…", true), "…sea");
    // A vowel sign of Hindi stands before the consonant that it is spoken after.
    assert_eq!(shown("हिम"), "\u{93f}हम");
}
