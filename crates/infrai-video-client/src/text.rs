use crate::redact::redact;

/// The maximum length of a server's text, in characters.
const MAX_CHARS: usize = 500;

/// Prepares a server's text for display: one line of at most 500 characters, without secrets and control characters.
///
/// ```
/// assert_eq!(infrai_video_client::one_line("no\r\n\u{1b}[31mway"), "no [31mway");
/// ```
pub fn one_line(text: &str) -> String {
    let text = redact(text, None);
    let visible = text.chars().map(|c| if c.is_control() || is_direction_mark(c) { ' ' } else { c });
    let mut line = String::new();
    for word in visible.take(MAX_CHARS).collect::<String>().split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Bidirectional formatting characters, which could disguise a text.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Describes why and where decoding failed, without quoting the response, which may contain a signed link.
///
/// ```
/// let error = serde_json::from_str::<u32>("\"https://files.example/?signature=...\"").unwrap_err();
/// assert_eq!(infrai_video_client::describe_decode_error(&error), "it has another shape at line 1 column 38");
/// ```
pub fn describe_decode_error(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!("at line {} column {}", error.line(), error.column());
    match message.split_once('`').and_then(|(before, rest)| (before == "missing field ").then_some(rest)) {
        Some(rest) => format!("`{}` is missing {place}", rest.split('`').next().unwrap_or_default()),
        None if error.is_eof() => format!("it ends too early {place}"),
        None if error.is_syntax() => format!("it is no JSON {place}"),
        None => format!("it has another shape {place}"),
    }
}
