//! The word that was probably meant.

/// The known word that is most similar, if one is similar enough.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let scored = known.iter().map(|known| (strsim::jaro_winkler(&word, known), *known));
    let similar = scored.filter(|(score, _)| *score > 0.8);
    similar.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_word_is_recognized() {
        let known = ["prompt", "duration_seconds", "aspect_ratio", "aspect", "name"];
        for (word, meant) in [
            ("promt", Some("prompt")),
            ("Prompt", Some("prompt")),
            ("duration", Some("duration_seconds")),
            ("aspectRatio", Some("aspect_ratio")),
            ("nmae", Some("name")),
            ("seed", None),
            ("", None),
        ] {
            assert_eq!(closest(word, &known), meant, "{word}");
        }
    }
}
