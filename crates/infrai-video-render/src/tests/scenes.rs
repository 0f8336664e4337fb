//! What the words of a prompt bring into the picture.

use std::time::Duration;

use super::{frames, rendered, scene};
use crate::Scene;
use crate::frame::Frame;
use crate::rng::Rng;
use crate::scene::Picture;
use crate::scene::theme::{Air, Daytime, Terrain, Theme};

fn theme(prompt: &str) -> Theme {
    Theme::new(prompt, &mut Rng::new(prompt, 1))
}

/// What a scene has beside its terrain, as letters.
fn parts(prompt: &str) -> String {
    let theme = theme(prompt);
    let parts = [(theme.aurora, 'A'), (theme.river, 'R'), (theme.lighthouse, 'L'), (theme.storm > 0.0, 'S')];
    parts.iter().filter(|(has, _)| *has).map(|(_, letter)| letter).collect()
}

/// The luma and chroma of a frame of a small clip.
fn painted(prompt: &str, frame: u32) -> [Vec<u8>; 3] {
    let scene = Scene { width: 320, height: 180, ..scene(prompt) };
    let mut picture = Frame::new(320, 180);
    Picture::new(&scene, 120).paint(frame, &mut picture);
    picture.planes.map(|plane| plane.data)
}

#[test]
fn words_choose_the_scene_and_chance_does_the_rest() {
    let city = theme("Rainy streets of a CITY at night.");
    assert_eq!((city.terrain, city.daytime, city.air), (Terrain::City, Daytime::Night, Air::Rain));
    assert_eq!(theme("雪山的夜").terrain, Terrain::Snow);
    assert_eq!(theme("the sea before the forest").terrain, Terrain::Ocean);
    assert_eq!(theme("seaside").tint, None);
    assert!(theme("a red balloon").tint.is_some());
}

#[test]
fn lights_rivers_lighthouses_and_storms_are_known() {
    let cases = [
        ("a lighthouse in a storm", "LS"),
        ("two Lighthouses, calm sea", "L"),
        ("ein Leuchtturm im Sturm", "LS"),
        ("маяк в шторм", "LS"),
        ("海边的灯塔", "L"),
        ("northern lights over a meadow", "A"),
        ("Northern Lights", "A"),
        ("the northern\nlight", "A"),
        ("AURORA borealis", "A"),
        ("オーロラの夜", "A"),
        ("a river through a forest at night under northern lights", "AR"),
        ("a mountain stream", "R"),
        ("brooks in spring", "R"),
        ("the river's bend", "R"),
        ("河边的城市", "R"),
        ("thunderstorm over the river", "RS"),
        // The sea has water of its own.
        ("a river flows past a lighthouse", "L"),
        ("from the ocean to the river", ""),
    ];
    for (prompt, wanted) in cases {
        assert_eq!(parts(prompt), wanted, "{prompt}");
    }
}

#[test]
fn words_inside_other_words_do_not_count() {
    let prompts = [
        "a driver in a hurry",
        "deforestation",
        "a streamer and an upstream merge",
        "northern hemisphere, warm lights",
        "lights of the northern town",
        "brainstorm a barnstorming idea",
        "auroral zone, light house of cards",
        "derived rivers",
        "поморский",
    ];
    for prompt in prompts {
        assert_eq!(parts(prompt), if prompt == "derived rivers" { "R" } else { "" }, "{prompt}");
    }
    // A chosen terrain differs with the seed, and a named one does not.
    let forests = |prompt: &str| {
        (0..40).filter(|seed| Theme::new(prompt, &mut Rng::new("", *seed)).terrain == Terrain::Forest).count()
    };
    assert_eq!(forests("tall trees in the woods"), 40);
    assert!(forests("deforestation") < 20);
}

#[test]
fn what_shows_only_in_the_dark_comes_at_night() {
    for seed in 0..20 {
        let theme = |prompt: &str| Theme::new(prompt, &mut Rng::new("", seed));
        assert_eq!(theme("northern lights").daytime, Daytime::Night);
        assert!(matches!(theme("a lighthouse").daytime, Daytime::Dusk | Daytime::Night));
        assert_eq!(theme("a lighthouse on a sunny day").daytime, Daytime::Day);
        assert_eq!(theme("a lighthouse").terrain, Terrain::Ocean);
        assert!(matches!(theme("a river").terrain, Terrain::Meadow | Terrain::Forest | Terrain::Mountains));
    }
}

#[test]
fn northern_lights_are_green_and_in_the_sky() {
    let greens = |prompt: &str| {
        let [_, u, v] = painted(prompt, 30);
        let is_green = |at: &usize| u[*at] < 138 && v[*at] < 116;
        // The chroma planes have half of the size. The upper half of the picture is sky.
        (0..160 * 45).filter(is_green).count()
    };
    for place in ["forest", "ocean", "city", "snow", "mountains", "meadow", "desert"] {
        let lit = greens(&format!("{place} at night under northern lights"));
        assert!(lit > 160 * 45 / 20, "{place}: {lit}");
        assert_eq!(greens(&format!("{place} at night")), 0, "{place}");
    }
}

#[test]
fn a_lighthouse_has_red_bands_and_a_turning_beam() {
    let reds = |prompt: &str| painted(prompt, 0)[2].iter().filter(|v| **v > 146).count();
    for time in ["in a storm at night", "at noon", "at dawn in the snow"] {
        let bands = reds(&format!("lighthouse {time}"));
        assert!(bands > 40, "{time}: {bands}");
    }
    assert_eq!(reds("sea in a storm at night"), 0);
    // The beam lights up a part of the sky that is dark when the lamp looks elsewhere.
    let lumas = [0, 24, 48, 72].map(|frame| painted("a lighthouse at night", frame)[0].clone());
    let changed = (0..320 * 100).filter(|at| {
        let values = lumas.each_ref().map(|luma| luma[*at]);
        values.iter().max().zip(values.iter().min()).is_some_and(|(most, least)| most - least > 30)
    });
    let changed = changed.count();
    assert!(changed > 400, "{changed}");
}

#[test]
fn a_river_reaches_from_the_hills_to_the_viewer() {
    // How much of the lowest row, which the caption leaves free, is not ground.
    let water = |prompt: &str| {
        let row = painted(prompt, 0)[0][320 * 179..].to_vec();
        row.iter().filter(|luma| luma.abs_diff(row[0]).min(luma.abs_diff(row[319])) > 3).count()
    };
    for place in ["forest", "meadow", "mountains", "desert"] {
        for time in ["noon", "dusk", "night"] {
            let wide = water(&format!("river, {place} at {time}"));
            assert!((40..280).contains(&wide), "{place} at {time}: {wide}");
            // A firefly may cross the row.
            let dry = water(&format!("{place} at {time}, fog"));
            assert!(dry < 12, "{place} at {time}: {dry}");
        }
    }
}

#[test]
fn a_storm_darkens_the_sky_and_flashes() {
    let brightness = |prompt: &str, frame| {
        painted(prompt, frame)[0][..320 * 60].iter().map(|luma| f64::from(*luma)).sum::<f64>() / 19_200.0
    };
    assert!(brightness("sea at noon in a storm", 0) < 0.7 * brightness("sea at noon", 0));
    let by_frame: Vec<f64> = (0..120).map(|frame| brightness("a storm over the sea", frame)).collect();
    let flashes = by_frame.windows(2).filter(|pair| pair[1] > pair[0] + 15.0).count();
    // Fewer than three a second, for the sake of those whom flashes make ill.
    assert!((1..=6).contains(&flashes), "{flashes}");
}

#[test]
fn all_parts_fit_into_the_smallest_and_the_longest_frames() {
    for (width, height) in [(16, 16), (16, 256), (256, 16), (64, 48)] {
        for prompt in
            ["a lighthouse in a storm under northern lights", "a river in the mountains", "city river"]
        {
            let clip =
                rendered(&Scene { width, height, duration: Duration::from_millis(80), ..scene(prompt) });
            assert_eq!(frames(&clip), 2, "{width}x{height} {prompt}");
        }
    }
}
