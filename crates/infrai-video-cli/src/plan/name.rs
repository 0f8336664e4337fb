//! File names of clips that are valid on every file system.

use unicode_normalization::UnicodeNormalization as _;

use super::PlanError;
use crate::file_name::is_device;

/// Maximum length of a name in bytes. File systems allow 255, and the file name has an extension.
const MAX_NAME: usize = 200;

/// Maximum length of the words of the prompt in a file name.
const SLUG: usize = 40;

pub(super) fn check_name(name: String) -> Result<String, PlanError> {
    let allowed = |c: char| !c.is_control() && !"/\\:*?\"<>|".contains(c);
    let fits = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(allowed);
    if !fits || name.starts_with(['.', '-', ' ']) || name.ends_with(['.', ' ']) {
        return Err(format!(
            "the name {name:?} must be valid as a file name: 1 to {MAX_NAME} bytes without / \\ : * ? \" < > |, with no dot, dash or \
             space first and no dot or space last"
        ).into());
    }
    match is_device(&name) {
        true => Err(format!("the name {name:?} is reserved for a device on Windows; use another").into()),
        false => Ok(name),
    }
}

/// Equal for names that a file system may treat as one, because it ignores case or the encoding of accents.
pub(crate) fn folded(name: &str) -> String {
    // Via upper case, in which ß is SS and both forms of sigma are equal.
    name.nfd().collect::<String>().to_uppercase().to_lowercase().nfd().collect()
}

/// The first words of the prompt, in ASCII.
pub(super) fn slug(prompt: &str) -> String {
    let words = prompt.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        if slug.len() + word.len() >= SLUG {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    if slug.is_empty() { "clip".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_valid_on_every_file_system() {
        let long = "é".repeat(MAX_NAME / 2);
        for name in ["city", "東京 2", "a.b", "console", "com10", "aux-1", &long] {
            assert!(check_name(name.to_owned()).is_ok(), "{name}");
        }
        let long = format!("{long}x");
        for name in [
            "", ".", "..", "../x", "a/b", "a:b", "a\0b", "x ", "x.", "-x", "CON", "nul.b", "Com1", "LPT³",
            "aux .x", &long,
        ] {
            assert!(check_name(name.to_owned()).is_err(), "{name}");
        }
    }

    #[test]
    fn names_that_a_file_system_may_treat_as_one_are_equal() {
        for (one, other) in
            [("City", "cITY"), ("caf\u{e9}", "CAFE\u{301}"), ("straße", "STRASSE"), ("ΟΔΟΣ", "οδος")]
        {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("café"), folded("cafe"));
    }

    #[test]
    fn a_slug_is_short_and_plain() {
        assert_eq!(slug("A city, at dusk!"), "a-city-at-dusk");
        assert_eq!(slug("東京"), "clip");
        assert_eq!(slug(&"a".repeat(300)), "clip");
        assert!(slug(&"word ".repeat(100)).len() < SLUG);
    }
}
