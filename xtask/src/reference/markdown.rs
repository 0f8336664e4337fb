//! CommonMark of the contract as HTML. Markup inside of it is shown and not obeyed, and nothing is fetched.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Parser, Tag, TagEnd, html};

use super::html::{Html, anchor};

/// A heading inside of a text, for the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) title: String,
    pub(super) anchor: String,
}

/// A text with paragraphs, and with headings one level below the page's own.
pub(super) fn block(text: &str) -> Html {
    sections(text).0
}

/// A text as [`block`] makes it, and the headings in it, which can be linked to.
pub(super) fn sections(text: &str) -> (Html, Vec<Heading>) {
    let mut headings = Vec::new();
    let mut events: Vec<Event<'_>> = Parser::new(text).map(harmless).collect();
    let starts: Vec<usize> =
        (0..events.len()).filter(|at| matches!(events[*at], Event::Start(Tag::Heading { .. }))).collect();
    for start in starts {
        let inside =
            events[start + 1..].iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let title: String = inside
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let place = anchor(&title);
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
            *id = Some(CowStr::from(place.clone()));
        }
        headings.push(Heading { title, anchor: place });
    }
    let mut finished = String::new();
    html::push_html(&mut finished, events.into_iter());
    (Html::from(finished), headings)
}

/// A text in one line: a single paragraph goes without its tags.
pub(super) fn line(text: &str) -> Html {
    let finished = block(text).into_string();
    let trimmed = finished.trim();
    let inner = trimmed.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
    Html::from(inner.filter(|inner| !inner.contains("<p>")).unwrap_or(trimmed).to_owned())
}

fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: lower(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        // A picture would be fetched from another host: its description stays.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) if !leads_to_a_page(&dest_url) => {
            Event::Start(Tag::Link { link_type, dest_url: "#".into(), title, id })
        }
        other => other,
    }
}

fn leads_to_a_page(address: &str) -> bool {
    ["https://", "http://", "#"].iter().any(|start| address.starts_with(start))
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_paragraphs_keep_their_meaning() {
        assert_eq!(block("a `b`\n\nc").to_string(), "<p>a <code>b</code></p>\n<p>c</p>\n");
        assert_eq!(line("a `b`").to_string(), "a <code>b</code>");
    }

    #[test]
    fn a_heading_can_be_linked_to_and_stands_below_the_pages_own() {
        let (text, headings) = sections("## Rate limits\n\nWait.");
        assert_eq!(text.to_string(), "<h3 id=\"rate-limits\">Rate limits</h3>\n<p>Wait.</p>\n");
        assert_eq!(headings, [Heading { title: "Rate limits".into(), anchor: "rate-limits".into() }]);
    }

    #[test]
    fn markup_is_shown_and_does_nothing() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "![p](https://example.com/p.png)",
        ] {
            let written = block(text).to_string();
            assert!(!written.contains("<script") && !written.contains("<img"), "{written}");
        }
        assert_eq!(line("[a](javascript:alert(1))").to_string(), "<a href=\"#\">a</a>");
    }
}
