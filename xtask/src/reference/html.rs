//! Writing HTML: text that is escaped by its type, and the few shapes that the reference uses again and again.

use std::fmt::{self, Display, Write as _};

use pulldown_cmark_escape::{FmtWriter, escape_html};

/// Text that is shown as it stands, whatever it holds. Good between tags and inside of quoted attributes.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape_html(FmtWriter(f), self.0)
    }
}

/// A piece of finished HTML.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a line. What comes from the contract is wrapped in [`Text`], or is [`Html`] already.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}");
    }

    /// Adds to the line that is being written.
    pub(super) fn part(&mut self, part: fmt::Arguments<'_>) {
        let _ = write!(self.0, "{part}");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl From<String> for Html {
    fn from(finished: String) -> Self {
        Self(finished)
    }
}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text as the part of an address behind `#`: lower case, with dashes for all that is no letter or digit.
pub(super) fn anchor(text: &str) -> String {
    let mut anchor = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            anchor.push(c.to_ascii_lowercase());
        } else if !anchor.ends_with('-') {
            anchor.push('-');
        }
    }
    anchor.trim_matches('-').to_owned()
}

/// A block of code that can be reached by keyboard, since it may have to be scrolled.
pub(super) fn code(label: &str, source: &str) -> Html {
    Html(format!("<pre tabindex=\"0\" aria-label=\"{}\"><code>{}</code></pre>\n", Text(label), Text(source)))
}

/// A block of JSON.
pub(super) fn json(label: &str, value: &serde_json::Value) -> Html {
    code(label, &serde_json::to_string_pretty(value).expect("a value without odd keys is always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_contract_is_never_markup() {
        let written = Text("<img src=\"x\" onerror='a'> & more").to_string();
        assert_eq!(written, "&lt;img src=&quot;x&quot; onerror=&#39;a&#39;&gt; &amp; more");
    }

    #[test]
    fn an_anchor_holds_nothing_that_needs_escaping() {
        assert_eq!(anchor("Versioning and deprecation"), "versioning-and-deprecation");
        assert_eq!(anchor(" <x> \"y\" "), "x-y");
        assert_eq!(anchor("video_list"), "video_list");
    }
}
