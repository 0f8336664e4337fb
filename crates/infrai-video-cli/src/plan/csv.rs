//! A plan as comma-separated values (RFC 4180) under a header.
//!
//! It is read strictly: a reader that makes the best of a quote in the wrong place would merge lines into one prompt, and that
//! clip would be paid for.

use std::collections::HashSet;

use serde_json::{Number, Value};

use super::request::{MEMBERS, Request, unknown};

/// A row, and the line that it begins on.
type Row = (usize, Vec<String>);

/// The requests of a plan, each with the number of its line.
pub(super) fn requests(text: &str) -> Vec<(usize, Result<Request, String>)> {
    let (rows, broken) = match rows(text) {
        Ok(rows) => (rows, None),
        Err((rows, line, error)) => (rows, Some((line, Err(error)))),
    };
    let mut rows = rows.into_iter();
    let Some((line, header)) = rows.next() else { return broken.into_iter().collect() };
    let columns = match columns(&header) {
        Ok(columns) => columns,
        Err(wrong) => return wrong.into_iter().map(|error| (line, Err(error))).collect(),
    };
    let requests = rows.map(|(line, cells)| (line, request(&columns, &cells)));
    requests.chain(broken).collect()
}

fn columns(header: &[String]) -> Result<Vec<&str>, Vec<String>> {
    let columns: Vec<&str> = header.iter().map(|cell| cell.trim()).collect();
    if let [only] = columns[..]
        && let Some(separator) = [';', '\t'].into_iter().find(|separator| only.contains(*separator))
    {
        return Err(vec![format!("the cells are separated by {separator:?}; separate them by ','")]);
    }
    let mut seen = HashSet::new();
    let mut wrong: Vec<String> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            wrong.push(format!("column {} has no name", index + 1));
        } else if !MEMBERS.contains(column) {
            wrong.push(unknown("column", column));
        } else if !seen.insert(column) {
            wrong.push(format!("the column `{column}` stands twice"));
        }
    }
    if wrong.is_empty() && !columns.contains(&"prompt") {
        wrong.push("there is no column `prompt`".to_owned());
    }
    if wrong.is_empty() { Ok(columns) } else { Err(wrong) }
}

/// An empty cell says nothing.
fn request(columns: &[&str], cells: &[String]) -> Result<Request, String> {
    if cells.len() != columns.len() {
        return Err(format!("it has {} cells, and the header has {}", cells.len(), columns.len()));
    }
    let cells = columns.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty());
    let members = cells.map(|(column, cell)| Ok(((*column).to_owned(), value(column, cell)?)));
    Request::read(members.collect::<Result<_, String>>()?)
}

fn value(column: &str, cell: &str) -> Result<Value, String> {
    match column {
        "prompt" => Ok(Value::from(cell)),
        "duration_seconds" => {
            let number = cell.trim().parse().ok().and_then(Number::from_f64);
            number
                .map(Value::Number)
                .ok_or_else(|| format!("`{column}` must be a number such as 5 or 7.5, not {cell:?}"))
        }
        _ => Ok(Value::from(cell.trim())),
    }
}

/// All rows with something in them, or those before the first that cannot be read, with its line and the reason.
fn rows(text: &str) -> Result<Vec<Row>, (Vec<Row>, usize, String)> {
    let (mut rows, mut rest, mut line) = (Vec::new(), text, 1);
    while !rest.is_empty() {
        let begin = line;
        let mut cells = Vec::new();
        loop {
            let (cell, after) = match cell(rest) {
                Ok(cell) => cell,
                Err(error) => return Err((rows, line, error)),
            };
            line += rest[..rest.len() - after.len()].matches('\n').count();
            cells.push(cell);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = after;
                    break;
                }
            }
        }
        if let Some(next) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            rest = next;
            line += 1;
        }
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push((begin, cells));
        }
    }
    Ok(rows)
}

/// The first cell of a text, and what follows it: a comma, the end of the line, or nothing.
fn cell(text: &str) -> Result<(String, &str), String> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let plain = match text[end..].starts_with('\n') {
            true => text[..end].strip_suffix('\r').unwrap_or(&text[..end]),
            false => &text[..end],
        };
        if plain.contains('"') {
            return Err(
                "a cell with a quote in it must stand in quotes, and the quote must be doubled".to_owned()
            );
        }
        if plain.contains('\r') {
            return Err("a line ends with a carriage return alone; end lines with \\n or \\r\\n".to_owned());
        }
        return Ok((plain.to_owned(), &text[plain.len()..]));
    };
    let mut cell = String::new();
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quote that begins here has no end")?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None if after.is_empty() || [",", "\n", "\r\n"].iter().any(|end| after.starts_with(end)) => {
                return Ok((cell, after));
            }
            None => return Err("a comma or the end of the line must follow a quoted cell".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Row> {
        rows(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    fn wrong(text: &str) -> Vec<String> {
        let of = |(line, request): (usize, Result<_, String>)| {
            request.err().map(|error| format!("{line}: {error}"))
        };
        requests(text).into_iter().filter_map(of).collect()
    }

    #[test]
    fn cells_are_read_as_the_standard_has_them() {
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
    fn a_quote_in_the_wrong_place_is_an_error_and_never_a_longer_prompt() {
        for text in [
            "prompt\n\"a city\na river",
            "prompt\n\"a city\na river\",5\n",
            "prompt\n\"a city\nthe \"old\" river\"\n",
            "prompt\na 5\" screen\n",
            "prompt\n \"a\"\n",
            "prompt\n\"a\" \n",
        ] {
            let wrong = wrong(text);
            assert!(
                wrong.len() == 1
                    && wrong[0].starts_with("2: ")
                    && (wrong[0].contains("quote") || wrong[0].contains("cells")),
                "{text}: {wrong:?}"
            );
        }
        assert_eq!(wrong("prompt\na\n\nb\"\n").len(), 1);
        assert!(wrong("prompt\na\n\nb\"\n")[0].starts_with("4: "));
    }

    #[test]
    fn a_carriage_return_alone_is_an_error_on_its_line() {
        for (text, line) in [
            ("prompt\na city\r", 2),
            ("prompt\ra city\r", 1),
            ("\r", 1),
            ("prompt,name\na\r,b\n", 2),
            ("prompt\na\rb\nc\n", 2),
            ("prompt\n\"a\"\rb\n", 2),
        ] {
            let wrong = wrong(text);
            assert!(wrong.len() == 1 && wrong[0].starts_with(&format!("{line}: ")), "{text:?}: {wrong:?}");
        }
    }

    #[test]
    fn a_header_or_a_cell_that_is_wrong_is_named() {
        for (text, expected) in [
            ("promt,name\na,b", "1: unknown column `promt`; did you mean `prompt`?"),
            ("prompt,Duration\na,5", "1: unknown column `Duration`; did you mean `duration_seconds`?"),
            ("prompt,prompt\na,b", "1: the column `prompt` stands twice"),
            ("name\nb", "1: there is no column `prompt`"),
            ("prompt,\na,", "1: column 2 has no name"),
            ("prompt;name\na;b", "1: the cells are separated by ';'; separate them by ','"),
            ("prompt\tname\na\tb", "1: the cells are separated by '\\t'; separate them by ','"),
            ("prompt,name\na", "2: it has 1 cells, and the header has 2"),
            (
                "prompt,duration_seconds\na,\"7,5\"",
                "2: `duration_seconds` must be a number such as 5 or 7.5, not \"7,5\"",
            ),
            (
                "prompt,duration_seconds\na,NaN",
                "2: `duration_seconds` must be a number such as 5 or 7.5, not \"NaN\"",
            ),
            ("prompt,name\n,b", "2: `prompt` is missing"),
        ] {
            assert_eq!(wrong(text), [expected], "{text}");
        }
    }
}
