//! A server that shares no code with the workspace: `other_server.py`, written from the page and the collected facts alone.

use std::collections::BTreeMap;
use std::time::Duration;

use contract_tests::{KEY, client_of, root};
use external_tools::Process;
use external_tools::programs::{PYTHON, require};
use external_tools::skip::available;
use infrai_video::wait::PollBackoff;
use infrai_video::{AspectRatio, Error};
use verify::{Body, Findings, Http, NoResponse, Options, Request, Response, Server, Verdict};

use crate::local::{mp4, run, spending};

/// What the server decides in another way than the contract, where the page is silent. Without money only the first is seen.
const CONTRADICTED: [(&str, &str); 6] = [
    ("invalid_page", "every value that is not valid is 422, also in the query"),
    ("cancel_final", "the cancellation of a final job is 200 with `ok` false in `data`"),
    ("media_type", "the content type of the request is ignored, so that a text is invalid JSON: 400"),
    ("order", "`list` begins with the oldest job"),
    ("repeated_id", "the `job_id` of a body is ignored"),
    ("unknown_job", "`delete` of any job that does not exist is 200, whether it was deleted or never there"),
];

/// The server, which is asked again at once where a run would wait: its jobs take a step with each request.
struct Other {
    http: Http,
    _process: external_tools::server::Server,
    base_url: String,
}

impl Other {
    fn start() -> Option<Self> {
        let started = || {
            require(&[PYTHON])?;
            let script = root().join("tests/verify/other_server.py");
            external_tools::server::Server::start(&Process::new("python3", &root()).arg(script))
        };
        let process = available("other_server", started())?;
        let base_url = process.base_url().to_owned();
        Some(Self { http: Http::new(&base_url, KEY).unwrap(), _process: process, base_url })
    }

    /// The number of charges under each idempotency key, and the number of jobs.
    fn ledger(&mut self) -> (BTreeMap<String, u64>, u64) {
        let response = self.http.send(&Request::get("/__ledger")).unwrap();
        let Body::Json(body) = response.body else { panic!("{response:?}") };
        let ledger = &body["data"];
        (serde_json::from_value(ledger["charges"].clone()).unwrap(), ledger["jobs"].as_u64().unwrap())
    }

    /// Makes a clip of 720p with the SDK, follows its job and saves it.
    fn deliver(&self) -> Result<Vec<u8>, Error> {
        let client = client_of(&self.base_url).build()?;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clip.mp4");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clip = client.generate("a red cube turns on a white table").duration_seconds(1);
            let job = clip.resolution("720p").aspect_ratio(AspectRatio::Portrait).submit().await?;
            let finished = job.wait().with_backoff(PollBackoff::fixed(Duration::ZERO)).await?;
            finished.download().to_path(&path).await?;
            Ok::<_, Error>(())
        })?;
        Ok(std::fs::read(&path).unwrap())
    }
}

impl Server for Other {
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse> {
        self.http.send(request)
    }

    fn wait(&mut self, _time: Duration) {}
}

fn contradicted(findings: &Findings) -> Vec<&str> {
    let mut names: Vec<_> = findings.with_verdict(Verdict::Contradicted).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_server_that_is_not_ours_differs_only_where_it_decides_otherwise() {
    let Some(mut server) = Other::start() else { return };
    let outcome = run(&mut server, spending(1.0));
    let mut expected = CONTRADICTED.map(|(statement, _)| statement);
    expected.sort_unstable();
    assert_eq!(contradicted(&outcome.findings), expected, "{:#?}", outcome.findings.statements);
    assert_eq!(outcome.left_out, [""; 0]);
    let (charges, jobs) = server.ledger();
    assert_eq!((charges.len(), jobs), (2, 0), "{charges:?}");
    assert!(charges.values().all(|count| *count == 1), "{charges:?}");
}

#[test]
fn the_sdk_makes_a_clip_on_a_server_that_is_not_ours_and_reading_leaves_it_alone() {
    let Some(mut server) = Other::start() else { return };
    assert_eq!(server.deliver().unwrap(), mp4(720, 1280));
    let before = server.ledger();
    assert_eq!((before.0.values().sum::<u64>(), before.1), (1, 1));
    let outcome = run(&mut server, Options { allowance: None, ..spending(0.0) });
    let [(only, _), ..] = CONTRADICTED;
    assert_eq!(contradicted(&outcome.findings), [only], "{:#?}", outcome.findings.statements);
    for seen in ["links", "link_authorization", "ranges"] {
        assert_eq!(outcome.findings.verdict(seen), Verdict::Confirmed, "{seen}");
    }
    assert_eq!(server.ledger(), before);
}
