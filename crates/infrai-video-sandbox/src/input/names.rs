//! What to say about a name that does not exist.

/// The longest part of a text that an error repeats.
const MAX_SHOWN: usize = 60;

/// The name among those that exist that was probably meant.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace(['-', ' '], "_");
    if name.len() > MAX_SHOWN {
        return None;
    }
    let distance = |known: &str| strsim::osa_distance(&name, &known.replace('-', "_"));
    let (distance, found) = known.into_iter().map(|known| (distance(known), known)).min()?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(found)
}

/// `` `stuk` does not exist: did you mean `stuck`? Use one of hang, stuck ``
pub(crate) fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = match closest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? Use"),
        None => "use".to_owned(),
    };
    let one_of = if known.len() > 1 { " one of" } else { "" };
    format!("`{}` does not exist: {hint}{one_of} {}", shortened(name), known.join(", "))
}

/// The start of a text, on one line.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

/// A number in few characters.
pub(crate) fn decimal(number: f64) -> String {
    if number.abs() < 1e15 { number.to_string() } else { format!("{number:e}") }
}
