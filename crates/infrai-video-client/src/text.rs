/// The longest text of a server that is kept, in characters.
const MAX_CHARS: usize = 500;

/// A server's text as it may be shown: one line, without control characters, of a length that nobody minds.
///
/// ```
/// assert_eq!(infrai_video_client::one_line("no\r\n\u{1b}[31mway"), "no [31mway");
/// ```
pub fn one_line(text: &str) -> String {
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

/// Marks that turn the direction of the text around them, and could make a line read as another.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
