//! `cargo xtask verify` against Prism: a server that is not ours, has no memory, and follows the document to the letter.

use std::time::Duration;

use contract_tests::{KEY, root};
use external_tools::prism::Prism;
use external_tools::skip::available;
use openapi_tools::DOCUMENT;
use verify::{Allowance, Contract, Http, NoResponse, Options, Outcome, Request, Response, Server, Verdict};

/// Prism responds within milliseconds, or never.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A server that is asked again at once where a run would wait.
struct Impatient(Http);

impl Server for Impatient {
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse> {
        self.0.send(request)
    }

    fn wait(&mut self, _time: Duration) {}
}

/// What Prism does in another way than a server with a memory: it checks each request by the schemas, and responds with the first
/// example.
const READING: [(&str, &str); 7] = [
    ("unauthorized", "any bearer token is accepted"),
    ("page_limit", "a page is that of the example, with any `limit`"),
    ("parameter limit of video_list", "as for `page_limit`"),
    ("cursors", "each page has the cursor of the example"),
    ("invalid_page", "any cursor is accepted; a `limit` that the schema rejects is 400"),
    ("unknown_job", "any id that the schema allows is that of a job"),
    ("parameter id", "the job of the example has another id than the path"),
];

/// What is seen only with money, in addition.
const WRITING: [(&str, &str); 1] = [("deleted", "the job of the example is never deleted")];

/// What a run with money leaves out.
const LEFT_OUT: [&str; 3] = [
    "a clip to cancel: under another idempotency key, `generate` responds with the first job",
    // Prism waits for the rest of the body.
    "a body that is not JSON: without a response",
    // It is `running` for ever.
    "the file of the clip: its job is not final after 67 s",
];

fn run(base_url: &str, allowance: Option<Allowance>) -> Outcome {
    let contract = Contract::parse(&std::fs::read_to_string(root().join(DOCUMENT)).unwrap()).unwrap();
    let mut server = Impatient(Http::new(base_url, KEY).unwrap().with_timeout(TIMEOUT));
    let options = Options { allowance, delete_all: false, timeout: Duration::from_secs(60) };
    verify::run(&contract, &mut server, None, options, &mut |_| {}).unwrap()
}

#[track_caller]
fn check<'a>(outcome: &Outcome, statements: impl Iterator<Item = &'a (&'a str, &'a str)>, left_out: &[&str]) {
    let mut expected: Vec<_> = statements.map(|(statement, _)| *statement).collect();
    expected.sort_unstable();
    let contradicted: Vec<_> = outcome.findings.with_verdict(Verdict::Contradicted).collect();
    assert_eq!(contradicted, expected, "{:#?}", outcome.findings.statements);
    assert_eq!(outcome.left_out, left_out);
}

#[test]
#[ignore = "needs Prism: cargo xtask test --only mock"]
fn verify_contradicts_only_what_a_server_without_a_memory_cannot_do() {
    let Some(prism) = available("prism", Prism::start(&root(), &root().join(DOCUMENT))) else { return };
    check(&run(&prism.base_url, None), READING.iter(), &[]);
    let allowance = Allowance { spend: 1_000_000, clip_price: 100_000 };
    check(&run(&prism.base_url, Some(allowance)), READING.iter().chain(&WRITING), &LEFT_OUT);
}
