//! Large clips onto the disk: the SDK, which verifies them, beside curl and wget, which do not.

mod course;

use std::io::Write;
use std::path::Path;

use crate::measure::fixed_server::{Programs, Samples};
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, none, table};
use crate::parts::{Length, tell};
use course::{Course, Program, Runs};

/// The clips that are saved at once.
const SEVERAL: u64 = 4;

/// Least rate, to that of curl, of one clip and of several.
const LEAST_RATE: [f64; 2] = [0.9, 1.0];
/// Most processor time, to that of curl and of the hash alone.
const MOST_PROCESSOR: f64 = 1.25;
/// Least rate, to that of curl followed by `sha256sum`, which hashes several clips at once.
const LEAST_RATE_TO_BOTH: [f64; 2] = [3.0, 1.5];
const MOST_MEMORY_MIB: f64 = 40.0;

/// The programs for one clip. The goals are about the first three and the last.
const ONE: [Program; 8] = [
    Program::new("ours", 2, r#"exec "$CLIENT" download "$API" "$ID" "$TARGET" 1"#),
    Program::new("curl", 1, r#"exec curl -sSf -o "$TARGET" "$LINK""#),
    Program::new("curl, sha256sum", 1, r#"curl -sSf -o "$TARGET" "$LINK" && sha256sum "$TARGET""#),
    Program::new(
        "curl, sha256sum, sync",
        1,
        r#"curl -sSf -o "$TARGET" "$LINK" && sha256sum "$TARGET" && sync "$TARGET""#,
    ),
    Program::new("wget", 1, r#"exec wget -q -O "$TARGET" "$LINK""#),
    Program::new(
        "limit: dd with fsync",
        0,
        r#"exec dd if="$COPY" of="$TARGET" bs=1M conv=fsync status=none"#,
    ),
    Program::new("limit: dd", 0, r#"exec dd if="$COPY" of="$TARGET" bs=1M status=none"#),
    Program::new("limit: hashing alone", 0, r#"exec "$CLIENT" hash "$MIB""#),
];

/// The programs for several clips at once.
const MANY: [Program; 4] = [
    Program::new("ours", 2, r#"exec "$CLIENT" download "$API" "$ID" "$TARGET" "$COUNT""#),
    Program::new(
        "curl --parallel",
        1,
        r#"exec curl -sSfZ --parallel-immediate "$LINK?[1-$COUNT]" -o "$TARGET-#1""#,
    ),
    Program::new(
        "curl --parallel, sha256sum",
        1,
        r#"curl -sSfZ --parallel-immediate "$LINK?[1-$COUNT]" -o "$TARGET-#1" && printf '%s\0' "$TARGET"-* | xargs -0 -n 1 -P "$COUNT" sha256sum"#,
    ),
    Program::new("limit: hashing alone", 0, r#"exec "$CLIENT" hash "$MIB""#),
];

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "large clips, beside curl and wget");
    let built = Programs::build(root)?;
    let samples = Samples::take(root)?;
    let (mib, rounds) = if length == Length::Full { (1024, 5) } else { (128, 2) };
    let one = Course::new(root, &built, &samples, mib, 1)?.rounds(rounds, &ONE, out)?;
    let many = Course::new(root, &built, &samples, mib / SEVERAL, SEVERAL)?.rounds(rounds, &MANY, out)?;
    Ok(format!(
        "An MP4 of {mib} MiB from a server on the same machine to the disk, each program from start to exit; the median of\n\
         {rounds} rounds, each of which starts with another program. One run before them is not measured, since the first use of\n\
         the machine's memory is slower. The SDK computes the SHA-256, verifies the structure of the MP4, and returns after the\n\
         file was synced. curl and wget do none of the three; curl followed by `sha256sum` and `sync` does two. `dd` copies a file\n\
         that is in memory already. `hashing alone` hashes as many bytes, from one block in memory, with the library that the SDK uses.\n\n\
         The SDK receives, writes, hashes and syncs at the same time, and none of these steps copies the bytes for another. So the\n\
         hash and the sync take processor time, but little time on the clock.\n\n\
         `processor` is the time of the program alone; `all processors` is that of the whole machine during the run, with the server\n\
         and the kernel's writing to the disk. With {} processors, a program that kept all of them busy would reach the rate\n\
         `if all were busy`. Memory is the maximum resident size.\n\n{}\
         ### Several clips at once\n\n\
         {SEVERAL} clips of {} MiB, by one process, over as many connections. The other columns are as above.\n\n{}{}",
        course::processors(),
        rows(&ONE, &one),
        mib / SEVERAL,
        rows(&MANY, &many),
        goals(&wanted(&one, &many)),
    ))
}

fn rows(programs: &[Program], measured: &[Runs]) -> String {
    let ours = &measured[0];
    let row = |(program, runs): (&Program, &Runs)| {
        [
            program.name.to_owned(),
            figure(runs.rate()),
            figure(ours.rate() / runs.rate()),
            figure(runs.processor()),
            figure(runs.machine()),
            // A program that uses neither the network nor the disk has one thread.
            if program.saves() { figure(runs.rate_if_busy()) } else { none() },
            figure(runs.peak()),
        ]
    };
    let rows: Vec<_> = programs.iter().zip(measured).map(row).collect();
    let head = [
        "program",
        "MiB a second",
        "ours / it",
        "processor, s",
        "all processors, s",
        "if all were busy, MiB a second",
        "peak MiB",
    ];
    table(head, &rows)
}

/// The goals. The limits are those that the processors set, and the time of hashing alone.
fn wanted(one: &[Runs], many: &[Runs]) -> Vec<Goal> {
    let [ours, curl, both, .., hash] = one else { return Vec::new() };
    let [ours_many, curl_many, both_many, hash_many] = many else { return Vec::new() };
    let several = |what: &str| format!("{SEVERAL} clips: {what}");
    let rate = "MiB a second, to curl";
    let rate_to_both = "MiB a second, to curl followed by sha256sum";
    let processor = "seconds of processor, to curl's and the hash's";
    let least_rate = |what: String, ours: &Runs, theirs: &Runs, least| {
        Goal::more(what, ours.rate(), theirs.rate(), least).with_limit(ours.rate_if_busy())
    };
    let most_processor = |what: String, ours: &Runs, curl: &Runs, hash: &Runs| {
        Goal::less(what, ours.processor(), curl.processor() + hash.processor(), MOST_PROCESSOR)
            .with_limit(hash.processor())
    };
    vec![
        least_rate(rate.to_owned(), ours, curl, LEAST_RATE[0]),
        least_rate(rate_to_both.to_owned(), ours, both, LEAST_RATE_TO_BOTH[0]),
        most_processor(processor.to_owned(), ours, curl, hash),
        Goal::at_most("peak MiB", ours.peak(), MOST_MEMORY_MIB),
        least_rate(several(rate), ours_many, curl_many, LEAST_RATE[1]),
        least_rate(several(rate_to_both), ours_many, both_many, LEAST_RATE_TO_BOTH[1]),
        most_processor(several(processor), ours_many, curl_many, hash_many),
        Goal::at_most(several("peak MiB"), ours_many.peak(), MOST_MEMORY_MIB),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slower_or_larger_program_misses_its_goals() {
        let others = |count: usize| std::iter::repeat_with(|| Runs::of(100.0, 1.0, 10.0)).take(count);
        let met = |ours: fn() -> Runs| {
            let runs = |count| std::iter::once(ours()).chain(others(count)).collect::<Vec<_>>();
            goals(&wanted(&runs(ONE.len() - 1), &runs(MANY.len() - 1))).matches("| yes |").count()
        };
        assert_eq!(met(|| Runs::of(301.0, 2.4, 39.0)), 8);
        assert_eq!(
            met(|| Runs::of(101.0, 2.4, 39.0)),
            6,
            "not faster enough than curl followed by sha256sum"
        );
        assert_eq!(met(|| Runs::of(89.0, 2.6, 41.0)), 0);
    }
}
