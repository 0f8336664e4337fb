use std::io;

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, roman};

use crate::args::ManArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::text::operand;

pub(crate) fn run(ctx: &Context, args: &ManArgs) -> Result<(), Failure> {
    // clap passes this on to the subcommands.
    let mut command = crate::command().disable_help_subcommand(true);
    // Sets the full names of the subcommands, and adds the global options.
    command.build();
    if args.output.is_some() {
        return write_all(ctx, args, &command);
    }
    let wanted = match &args.name {
        None => &command,
        Some(name) => {
            let full = format!("{} {name}", command.get_name()).replace(' ', "-");
            let known = all(&command).into_iter().find(|known| full_name(known) == full);
            known.ok_or_else(|| {
                Failure::new(Exit::Usage, format!("unknown command {name:?}")).next("infrai-video --help")
            })?
        }
    };
    let page = page(wanted).map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    ctx.output.verbatim(&page)
}

fn write_all(ctx: &Context, args: &ManArgs, command: &Command) -> Result<(), Failure> {
    let directory = args.output.as_deref().unwrap_or_else(|| std::path::Path::new("."));
    let failed = |error: io::Error| {
        let shown = directory.display();
        Failure::new(Exit::Refused, format!("--output {shown} cannot be written: {error}"))
            .next(format!("ls -ld {}  (or name another directory)", operand(&directory.to_string_lossy())))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    for command in all(command) {
        let path = directory.join(format!("{}.1", full_name(command)));
        page(command).and_then(|page| std::fs::write(&path, page)).map_err(failed)?;
        ctx.output.line(&path.display().to_string())?;
    }
    Ok(())
}

/// The command, and its subcommands at any depth.
fn all(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(all)).collect()
}

/// The name with that of its parent, such as `infrai-video-generate`.
fn full_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page. The text below the help becomes sections.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let below = command.get_after_long_help().or_else(|| command.get_after_help()).map(ToString::to_string);
    let mut page = Vec::new();
    // The footer of each page has the version.
    Man::new(command.clone().after_help(None).after_long_help(None).version(None))
        .title(full_name(command).to_uppercase())
        // An empty date would be replaced by the source.
        .date(" ")
        .source(concat!("infrai-video ", env!("CARGO_PKG_VERSION")))
        .manual("Infrai Video")
        .render(&mut page)?;
    page.extend(sections(&below.unwrap_or_default()).to_roff().into_bytes());
    Ok(page)
}

/// A block whose first line ends with a colon becomes a section with unfilled lines; other blocks are notes.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut has_notes = false;
    for block in text.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty()) {
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        match first.strip_suffix(':') {
            Some(heading) => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                roff.control("nf", []);
                rest.lines().for_each(|line| {
                    roff.text([roman(line)]);
                });
                roff.control("fi", []);
            }
            None => {
                let (name, heading) = if has_notes { ("PP", None) } else { ("SH", Some("NOTES")) };
                has_notes = true;
                roff.control(name, heading);
                roff.text([roman(block.split_whitespace().collect::<Vec<_>>().join(" "))]);
            }
        }
    }
    roff
}
