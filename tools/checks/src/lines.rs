//! The line of each JSON pointer in the YAML text, and the style of each scalar.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};

use openapi_tools::value::escape;

/// The lines of all keys and list items of a YAML text, and its scalars.
#[derive(Debug, Default)]
pub struct Lines {
    by_pointer: HashMap<String, usize>,
    /// Every scalar in the order of the text, keys among them.
    pub(crate) scalars: Vec<Scalar>,
}

/// A scalar with its style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// Its place. For a key this is the pointer of its member.
    pub(crate) pointer: String,
    pub(crate) text: String,
    /// Whether it has no quotes and is not a block.
    pub(crate) plain: bool,
    pub(crate) is_key: bool,
}

/// A collection that is being read.
enum Open {
    /// A mapping, and the key whose value comes next, if there is one.
    Mapping { pointer: String, key: Option<String> },
    /// A list, and the number of its items so far.
    List { pointer: String, items: usize },
}

impl Lines {
    /// Reads a YAML text up to the first syntax error, which the loader reports.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut lines = Self::default();
        lines.by_pointer.insert(String::new(), 1);
        let mut open: Vec<Open> = Vec::new();
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            let line = span.start.line();
            match event {
                Event::MappingStart(..) => {
                    let pointer = lines.enter(&mut open, line);
                    open.push(Open::Mapping { pointer, key: None });
                }
                Event::SequenceStart(..) => {
                    let pointer = lines.enter(&mut open, line);
                    open.push(Open::List { pointer, items: 0 });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                Event::Scalar(value, style, ..) => lines.scalar(&mut open, &value, style, line),
                Event::Alias(..) => {
                    lines.enter(&mut open, line);
                }
                _ => {}
            }
        }
        lines
    }

    /// The line of a pointer, counted from 1. If it is not in the text, the line of the nearest value around it.
    #[must_use]
    pub fn line(&self, pointer: &str) -> usize {
        let mut place = pointer;
        loop {
            if let Some(line) = self.by_pointer.get(place) {
                return *line;
            }
            match place.rfind('/') {
                Some(end) => place = &place[..end],
                None => return 1,
            }
        }
    }

    fn scalar(&mut self, open: &mut [Open], value: &str, style: ScalarStyle, line: usize) {
        let plain = style == ScalarStyle::Plain;
        if let Some(Open::Mapping { pointer, key: key @ None }) = open.last_mut() {
            let pointer = format!("{pointer}/{}", escape(value));
            *key = Some(value.to_owned());
            self.by_pointer.entry(pointer.clone()).or_insert(line);
            self.scalars.push(Scalar { pointer, text: value.to_owned(), plain, is_key: true });
            return;
        }
        // The span of a block starts on the line after its `|`.
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let pointer = self.enter(open, line - usize::from(block && line > 1));
        self.scalars.push(Scalar { pointer, text: value.to_owned(), plain, is_key: false });
    }

    /// The pointer of the value that starts here.
    fn enter(&mut self, open: &mut [Open], line: usize) -> String {
        match open.last_mut() {
            None => String::new(),
            Some(Open::Mapping { pointer, key }) => {
                format!("{pointer}/{}", escape(&key.take().unwrap_or_default()))
            }
            Some(Open::List { pointer, items }) => {
                let pointer = format!("{pointer}/{items}");
                *items += 1;
                self.by_pointer.insert(pointer.clone(), line);
                pointer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
a:
  'b/c': 1
  list:
    - x: [on, '16:9']
    - |-
      two
      lines
last: {d: e}
";

    #[test]
    fn keys_and_items_have_their_line() {
        let lines = Lines::read(TEXT);
        let found =
            ["/a", "/a/b~1c", "/a/list/0/x/1", "/a/list/1", "/last/d"].map(|pointer| lines.line(pointer));
        assert_eq!(found, [1, 2, 4, 5, 8]);
    }

    #[test]
    fn a_missing_place_has_the_line_of_the_value_around_it() {
        assert_eq!(Lines::read(TEXT).line("/a/list/0/missing/deep"), 4);
        assert_eq!(Lines::read(TEXT).line("/nothing"), 1);
    }

    #[test]
    fn scalars_without_quotes_are_plain() {
        let lines = Lines::read(TEXT);
        let plain: Vec<_> =
            lines.scalars.iter().filter(|s| s.plain && !s.is_key).map(|s| s.text.as_str()).collect();
        assert_eq!(plain, ["1", "on", "e"]);
        let keys: Vec<_> = lines.scalars.iter().filter(|s| s.is_key).map(|s| s.text.as_str()).collect();
        assert_eq!(keys, ["a", "b/c", "list", "x", "last", "d"]);
    }
}
