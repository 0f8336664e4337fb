//! Which columns of which tables are drawn.

use crate::page::plot::Better::{self, Less, More};
use crate::page::plot::Plot;

/// The heading and the column, the title and the file, which bars are better, and which are ours.
const fn plot(
    [heading, column]: [&'static str; 2],
    [title, file]: [&'static str; 2],
    better: Better,
    ours: &'static str,
) -> Plot {
    Plot { heading, column, title, file, better, ours }
}

/// The plots of the page.
pub(crate) const ALL: &[Plot] = &[
    plot(["### One after another", "time, µs"], ["A call, one after another, µs", "call.svg"], Less, "ours"),
    plot(["### 64 in flight", "time, µs"], ["A call with 64 in flight, µs", "calls.svg"], Less, "ours"),
    plot(["### One job", "requests"], ["Requests of a wait for one job", "wait-requests.svg"], Less, "ours"),
    plot(
        ["### One job", "mean delay, s"],
        ["Mean delay of a wait for one job, s", "wait-delay.svg"],
        Less,
        "ours",
    ),
    plot(
        ["### 1,000 jobs, submitted together", "requests"],
        ["Requests of a wait for 1,000 jobs", "wait-all-requests.svg"],
        Less,
        "ours",
    ),
    plot(
        ["### 1,000 jobs, submitted together", "mean delay, s"],
        ["Mean delay of a wait for 1,000 jobs, s", "wait-all-delay.svg"],
        Less,
        "ours",
    ),
    plot(
        ["### 100,000 jobs, submitted together, 100 requests admitted in a second", "requests"],
        ["Requests of a wait for 100,000 jobs, with a rate limit", "wait-limited-requests.svg"],
        Less,
        "ours",
    ),
    plot(
        ["### 100,000 jobs, submitted together, 100 requests admitted in a second", "mean delay, s"],
        ["Mean delay of a wait for 100,000 jobs, with a rate limit, s", "wait-limited-delay.svg"],
        Less,
        "ours",
    ),
    plot(
        ["## A long list", "jobs a second"],
        ["Jobs of a long list that are read in a second", "listing.svg"],
        More,
        "ours",
    ),
    plot(
        ["## A large clip", "MiB a second"],
        ["MiB of a large clip that are saved in a second", "downloads.svg"],
        More,
        "ours",
    ),
    plot(
        ["### One process, on SQLite", "items a second"],
        ["Items of a batch that one process finishes in a second", "batches.svg"],
        More,
        "-j",
    ),
    plot(
        ["### Several processes, on one PostgreSQL", "items a second"],
        ["Items that several processes finish in a second", "batches-shared.svg"],
        More,
        "-j",
    ),
    plot(["## Making a client", "median, s"], ["Seconds to make a client", "regen.svg"], Less, "regen"),
    plot(
        ["## Building", "seconds of processor"],
        ["Seconds of processor to build a program", "building-time.svg"],
        Less,
        "infrai-video",
    ),
    plot(
        ["## Building", "stripped binary, MB"],
        ["The stripped program, MB", "building-size.svg"],
        Less,
        "infrai-video",
    ),
    plot(
        ["### Status", "requests/s"],
        ["Answers to `status` in a second", "sandbox-status.svg"],
        More,
        "sandbox",
    ),
    plot(
        ["### List", "requests/s"],
        ["Answers to `list` in a second, 20 jobs a page", "sandbox-list.svg"],
        More,
        "sandbox",
    ),
    plot(
        ["### Generate", "requests/s"],
        ["Answers to `generate` in a second", "sandbox-generate.svg"],
        More,
        "sandbox",
    ),
    plot(
        ["### Clips", "seconds of video a second"],
        ["Seconds of video that the sandbox renders in a second", "clips.svg"],
        More,
        "",
    ),
    plot(
        ["### Its start", "median ms"],
        ["From the start of a command to its end, ms", "command.svg"],
        Less,
        "infrai-video",
    ),
    plot(
        ["### Asking a sandbox", "median ms"],
        ["From the start of a command that asks a sandbox to its end, ms", "command-asking.svg"],
        Less,
        "infrai-video",
    ),
];
