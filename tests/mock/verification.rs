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
const DIFFERENT: [(&str, &str); 7] = [
    ("unauthorized", "any bearer token is accepted"),
    ("page_limit", "a page is that of the example, with any `limit`"),
    ("parameter limit of video_list", "as for `page_limit`"),
    ("cursors", "each page has the cursor of the example"),
    ("invalid_page", "any cursor is accepted; a `limit` that the schema rejects is 400"),
    ("unknown_job", "any id that the schema allows is that of a job"),
    ("parameter id", "the job of the example has another id than the path"),
];

/// What a run with money leaves out: the job of the example is also the one that the list has.
const LEFT_OUT: [&str; 1] = [
    "a clip that may have been made and charged, since `generate` responds with a job that was there before: look at `list`",
];

fn run(base_url: &str, allowance: Option<Allowance>) -> Outcome {
    let contract = Contract::parse(&std::fs::read_to_string(root().join(DOCUMENT)).unwrap()).unwrap();
    let mut server = Impatient(Http::new(base_url, KEY).unwrap().with_timeout(TIMEOUT));
    let options = Options { allowance, delete_all: false, timeout: Duration::from_secs(60) };
    verify::run(&contract, &mut server, None, options, &mut |_| {}).unwrap()
}

#[track_caller]
fn check(outcome: &Outcome, left_out: &[&str]) {
    let mut expected = DIFFERENT.map(|(statement, _)| statement).to_vec();
    expected.sort_unstable();
    let contradicted: Vec<_> = outcome.findings.with_verdict(Verdict::Contradicted).collect();
    assert_eq!(contradicted, expected, "{:#?}", outcome.findings.statements);
    assert_eq!(outcome.left_out, left_out);
}

#[test]
#[ignore = "needs Prism: cargo xtask test --only mock"]
fn verify_contradicts_only_what_a_server_without_a_memory_cannot_do() {
    let Some(prism) = available("prism", Prism::start(&root(), &root().join(DOCUMENT))) else { return };
    check(&run(&prism.base_url, None), &[]);
    let allowance = Allowance { spend: 1_000_000, clip_price: 100_000 };
    check(&run(&prism.base_url, Some(allowance)), &LEFT_OUT);
}
