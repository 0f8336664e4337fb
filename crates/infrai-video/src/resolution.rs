//! Names of resolutions: equality, and the listed name that was probably meant.

use infrai_video_client::Resolution;

/// Adds the missing unit of a known resolution: `1080` is `1080p`. Any other name is only trimmed.
pub(crate) fn completed(size: Resolution) -> Resolution {
    let Resolution::Unknown(name) = &size else { return size };
    let name = name.trim();
    match Resolution::from(format!("{name}p")) {
        Resolution::Unknown(_) => Resolution::from(name),
        known => known,
    }
}

/// Whether two names are the same resolution, ignoring ASCII case.
pub(crate) fn is_same(left: &Resolution, right: &Resolution) -> bool {
    completed(left.clone()).as_str().eq_ignore_ascii_case(completed(right.clone()).as_str())
}

/// Sorts names by the number of lines, removes duplicates, and joins them.
pub(crate) fn list(sizes: &[&Resolution]) -> String {
    let mut sizes = sizes.to_vec();
    sizes.sort_by_key(|size| (lines(size.as_str()), size.as_str().to_ascii_lowercase()));
    sizes.dedup_by(|right, left| is_same(left, right));
    sizes.iter().map(|size| size.as_str()).collect::<Vec<_>>().join(", ")
}

/// The listed resolution that is nearest to `wanted` by its number of lines, within a factor of two.
pub(crate) fn nearest<'a>(wanted: &Resolution, listed: &[&'a Resolution]) -> Option<&'a Resolution> {
    let wanted = f64::from(lines(wanted.as_str())?);
    let ratio = |size: &Resolution| {
        let ratio = f64::from(lines(size.as_str())?) / wanted;
        Some(ratio.max(ratio.recip())).filter(|ratio| *ratio <= 2.0)
    };
    let near = listed.iter().filter_map(|size| Some((ratio(size)?, *size)));
    near.min_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, size)| size)
}

/// The number of lines that a name commonly means: the shorter side of `1920x1080`, the number in `1080i`.
fn lines(name: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let lines = match letters.as_str() {
        "sd" => 480,
        "hd" | "hdready" => 720,
        "fhd" | "fullhd" => 1080,
        "qhd" | "wqhd" | "2k" => 1440,
        "uhd" | "ultrahd" | "4k" | "4kuhd" => 2160,
        "5k" => 2880,
        "8k" | "8kuhd" => 4320,
        _ => {
            let numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
            // A smaller number is something else, such as frames per second.
            return numbers.filter(|number| *number >= 100).min();
        }
    };
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str) -> Resolution {
        Resolution::from(name)
    }

    #[test]
    fn a_number_without_its_unit_is_completed_where_the_size_is_known() {
        assert_eq!(completed(size("1080")), Resolution::P1080);
        assert_eq!(completed(size(" 720 ")), Resolution::P720);
        assert_eq!(completed(size("768")), size("768"));
        assert_eq!(completed(size("")), size(""));
        assert!(is_same(&size("768P"), &size("768p")) && is_same(&size("1080"), &size("1080P")));
        assert!(!is_same(&size("768"), &size("768p")), "a name that is not known is sent as it was typed");
        assert!(!is_same(&size("4k"), &size("2160p")));
    }

    #[test]
    fn the_nearest_listed_size_is_found_by_its_number_of_lines() {
        let listed = [&Resolution::P720, &Resolution::P1080, &Resolution::Uhd4k];
        for (name, meant) in [
            ("HD", Some("720p")),
            ("fullhd", Some("1080p")),
            ("Full HD", Some("1080p")),
            ("1080i", Some("1080p")),
            ("1808p", Some("4k")),
            ("1920x1080", Some("1080p")),
            ("2160p", Some("4k")),
            ("UHD", Some("4k")),
            ("8k", Some("4k")),
            ("480p", Some("720p")),
            ("16k", None),
            ("99999p", None),
            ("large", None),
            ("", None),
        ] {
            assert_eq!(nearest(&size(name), &listed).map(Resolution::as_str), meant, "{name}");
        }
    }

    #[test]
    fn sizes_are_listed_from_small_to_large_and_once() {
        let sizes = [size("4k"), size("1080p"), size("768P"), size("720p"), size("768p"), size("1080P")];
        assert_eq!(list(&sizes.iter().collect::<Vec<_>>()), "720p, 768P, 1080p, 4k");
    }
}
