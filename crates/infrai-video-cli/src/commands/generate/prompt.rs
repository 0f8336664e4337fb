use std::io::Read;

use infrai_video::MAX_PROMPT_CHARS;

use crate::args::GenerateArgs;
use crate::exit_code::Exit;
use crate::failure::Failure;

/// The prompt from the argument, a file or stdin. Trailing line breaks are removed.
pub(super) fn read(args: &GenerateArgs) -> Result<String, Failure> {
    match (&args.prompt_file, args.prompt.as_deref()) {
        (Some(path), _) => {
            let shown = path.display().to_string();
            let file = std::fs::File::open(path).map_err(|error| rejected(&shown, &error.to_string()))?;
            text(file, &shown)
        }
        (None, Some("-")) => text(std::io::stdin().lock(), "-"),
        (None, prompt) => Ok(prompt.unwrap_or_default().to_owned()),
    }
}

fn text(source: impl Read, shown: &str) -> Result<String, Failure> {
    // One byte more than the longest prompt can have, to detect a longer one.
    let limit = MAX_PROMPT_CHARS as u64 * 4 + 1;
    let mut bytes = Vec::new();
    source.take(limit).read_to_end(&mut bytes).map_err(|error| rejected(shown, &error.to_string()))?;
    if bytes.len() as u64 == limit {
        return Err(rejected(shown, &format!("it is longer than {MAX_PROMPT_CHARS} characters")));
    }
    let text = String::from_utf8(bytes).map_err(|_| rejected(shown, "it is not UTF-8 text"))?;
    Ok(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned())
}

fn rejected(shown: &str, reason: &str) -> Failure {
    Failure::new(Exit::Refused, format!("the prompt cannot be read from {shown}: {reason}"))
        .next("infrai-video generate \"PROMPT\"  (or name a text file with --prompt-file)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trailing_line_breaks_are_removed() {
        assert_eq!(text("\u{feff}a city\nat dusk\r\n".as_bytes(), "-").unwrap(), "a city\nat dusk");
    }

    #[test]
    fn input_that_is_not_text_or_is_endless_is_rejected() {
        assert!(text(&b"\xff\xfe"[..], "-").unwrap_err().message().contains("UTF-8"));
        assert!(text(std::io::repeat(b'a'), "-").unwrap_err().message().contains("longer"));
    }
}
