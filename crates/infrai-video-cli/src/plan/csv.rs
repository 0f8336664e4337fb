//! A plan as comma-separated values (RFC 4180) under a header.
//!
//! The parser is strict: one that tolerates a misplaced quote would merge lines into one prompt, and that clip would be charged.

use std::collections::HashSet;

use serde_json::{Number, Value};

use super::fields::{FIELDS, Fields, unknown};
use super::{ParsedLines, PlanError};
use crate::text::count;

/// A row and the number of its first line.
type Row = (usize, Vec<String>);

/// The lines of a plan with their numbers.
pub(super) fn lines(text: &str) -> ParsedLines<'_> {
    let mut rows = Rows { rest: text, line: 1 };
    let (line, header) = match rows.next() {
        Some(Ok(header)) => header,
        Some(Err((line, error))) => return Box::new(std::iter::once((line, Err(error)))),
        None => return Box::new(std::iter::empty()),
    };
    let columns = match columns(&header) {
        Ok(columns) => columns,
        Err(errors) => {
            return Box::new(errors.into_iter().map(move |error| (line, Err(error.into()))));
        }
    };
    Box::new(rows.map(move |row| match row {
        Ok((line, cells)) => (line, fields(&columns, &cells)),
        Err((line, error)) => (line, Err(error)),
    }))
}

fn columns(header: &[String]) -> Result<Vec<String>, Vec<String>> {
    let columns: Vec<&str> = header.iter().map(|cell| cell.trim()).collect();
    if let [only] = columns[..]
        && let Some(separator) = [';', '\t'].into_iter().find(|separator| only.contains(*separator))
    {
        return Err(vec![format!("the cells are separated by {separator:?}; separate them by ','")]);
    }
    let mut seen = HashSet::new();
    let mut errors: Vec<String> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            errors.push(format!("column {} has no name", index + 1));
        } else if !FIELDS.contains(column) {
            errors.push(unknown("column", column));
        } else if !seen.insert(column) {
            errors.push(format!("the column {column} is repeated"));
        }
    }
    if errors.is_empty() && !columns.contains(&"prompt") {
        errors.push("the column prompt is missing".to_owned());
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(columns.into_iter().map(str::to_owned).collect())
}

/// Empty cells are left out.
fn fields(columns: &[String], cells: &[String]) -> Result<Fields, PlanError> {
    if cells.len() != columns.len() {
        return Err(
            format!("has {}, and the header has {}", count(cells.len(), "cell"), columns.len()).into()
        );
    }
    let cells = columns.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty());
    cells
        .map(|(column, cell)| Ok((column.clone(), value(column, cell)?)))
        .collect::<Result<_, _>>()
        .map(Fields)
}

fn value(column: &str, cell: &str) -> Result<Value, PlanError> {
    match column {
        "prompt" => Ok(Value::from(cell)),
        "duration_seconds" => {
            let number = cell.trim().parse().ok().and_then(Number::from_f64);
            number
                .map(Value::Number)
                .ok_or_else(|| format!("{column} must be a number such as 5 or 7.5, not {cell:?}").into())
        }
        _ => Ok(Value::from(cell.trim())),
    }
}

/// The rows that are not empty. An error has its line, and is the last item.
struct Rows<'a> {
    rest: &'a str,
    /// The number of the line at which the rest begins.
    line: usize,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, (usize, PlanError)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let begin = self.line;
            match self.row() {
                Ok(cells) if cells.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(cells) => return Some(Ok((begin, cells))),
                Err(error) => {
                    self.rest = "";
                    return Some(Err((self.line, error)));
                }
            }
        }
        None
    }
}

impl Rows<'_> {
    fn row(&mut self) -> Result<Vec<String>, PlanError> {
        let mut cells = Vec::new();
        loop {
            let (cell, after) = cell(self.rest)?;
            self.line += self.rest[..self.rest.len() - after.len()].matches('\n').count();
            cells.push(cell);
            match after.strip_prefix(',') {
                Some(next) => self.rest = next,
                None => {
                    self.rest = after;
                    break;
                }
            }
        }
        if let Some(next) = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')) {
            self.rest = next;
            self.line += 1;
        }
        Ok(cells)
    }
}

/// The first cell of the text and the rest: a comma, the end of the line, or nothing comes next.
fn cell(text: &str) -> Result<(String, &str), PlanError> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let plain = match text[end..].starts_with('\n') {
            true => text[..end].strip_suffix('\r').unwrap_or(&text[..end]),
            false => &text[..end],
        };
        if plain.contains('"') {
            return Err("a cell that contains a quote must be quoted, and the quote doubled".into());
        }
        if plain.contains('\r') {
            return Err("a carriage return without a newline; end lines with \\n or \\r\\n".into());
        }
        return Ok((plain.to_owned(), &text[plain.len()..]));
    };
    let mut cell = String::new();
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quote opened here is never closed")?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None if after.is_empty() || [",", "\n", "\r\n"].iter().any(|end| after.starts_with(end)) => {
                return Ok((cell, after));
            }
            None => return Err("a comma or the end of the line must follow a quoted cell".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Row> {
        let rows = Rows { rest: text, line: 1 };
        rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    fn errors(text: &str) -> Vec<String> {
        let error = |(line, fields): (usize, Result<Fields, PlanError>)| {
            let line_error = fields.and_then(|fields| fields.request()).err();
            line_error.map(|error| format!("{line}: {error}"))
        };
        lines(text).filter_map(error).collect()
    }

    #[test]
    fn cells_are_parsed_according_to_the_standard() {
        let rows = read("a,b\r\n\"x, y\",\"say \"\"z\"\"\"\n\n,\n\"two\r\nlines\",1\n\"\",last");
        let rows: Vec<(usize, Vec<&str>)> =
            rows.iter().map(|(line, cells)| (*line, cells.iter().map(String::as_str).collect())).collect();
        assert_eq!(
            rows,
            [
                (1, vec!["a", "b"]),
                (2, vec!["x, y", "say \"z\""]),
                (5, vec!["two\r\nlines", "1"]),
                (7, vec!["", "last"])
            ]
        );
        assert_eq!(read("a\n"), read("a"));
        assert_eq!(read("a,\r\n")[0].1, ["a", ""]);
        assert!(read("").is_empty());
    }

    #[test]
    fn a_misplaced_quote_is_an_error_and_never_a_longer_prompt() {
        for text in [
            "prompt\n\"a city\na river",
            "prompt\n\"a city\na river\",5\n",
            "prompt\n\"a city\nthe \"old\" river\"\n",
            "prompt\na 5\" screen\n",
            "prompt\n \"a\"\n",
            "prompt\n\"a\" \n",
        ] {
            let errors = errors(text);
            assert!(
                errors.len() == 1
                    && errors[0].starts_with("2: ")
                    && (errors[0].contains("quote") || errors[0].contains("cells")),
                "{text}: {errors:?}"
            );
        }
        assert_eq!(errors("prompt\na\n\nb\"\n").len(), 1);
        assert!(errors("prompt\na\n\nb\"\n")[0].starts_with("4: "));
    }

    #[test]
    fn a_carriage_return_without_a_newline_is_an_error_on_its_line() {
        for (text, line) in [
            ("prompt\na city\r", 2),
            ("prompt\ra city\r", 1),
            ("\r", 1),
            ("prompt,name\na\r,b\n", 2),
            ("prompt\na\rb\nc\n", 2),
            ("prompt\n\"a\"\rb\n", 2),
        ] {
            let errors = errors(text);
            assert!(errors.len() == 1 && errors[0].starts_with(&format!("{line}: ")), "{text:?}: {errors:?}");
        }
    }

    #[test]
    fn an_invalid_header_or_cell_is_named() {
        for (text, expected) in [
            ("promt,name\na,b", "1: unknown column \"promt\"; did you mean prompt?"),
            ("prompt,Duration\na,5", "1: unknown column \"Duration\"; did you mean duration_seconds?"),
            ("prompt,prompt\na,b", "1: the column prompt is repeated"),
            ("name\nb", "1: the column prompt is missing"),
            ("prompt,\na,", "1: column 2 has no name"),
            ("prompt;name\na;b", "1: the cells are separated by ';'; separate them by ','"),
            ("prompt\tname\na\tb", "1: the cells are separated by '\\t'; separate them by ','"),
            ("prompt,name\na", "2: has 1 cell, and the header has 2"),
            (
                "prompt,duration_seconds\na,\"7,5\"",
                "2: duration_seconds must be a number such as 5 or 7.5, not \"7,5\"",
            ),
            (
                "prompt,duration_seconds\na,NaN",
                "2: duration_seconds must be a number such as 5 or 7.5, not \"NaN\"",
            ),
            ("prompt,name\n,b", "2: prompt is missing"),
        ] {
            assert_eq!(errors(text), [expected], "{text}");
        }
    }
}
