pub(crate) use infrai_video_client::one_line;

/// Where an answer stops making sense, without a word of the answer itself: it may hold a signed link.
pub(crate) fn what_is_wrong(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!("at line {} column {}", error.line(), error.column());
    match message.split_once('`').and_then(|(before, rest)| (before == "missing field ").then_some(rest)) {
        Some(rest) => format!("`{}` is missing {place}", rest.split('`').next().unwrap_or_default()),
        None if error.is_eof() => format!("it ends too early {place}"),
        None if error.is_syntax() => format!("it is no JSON {place}"),
        None => format!("it has another shape {place}"),
    }
}
