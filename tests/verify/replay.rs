//! The SDK against recordings: what it makes of the responses of another day.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use contract_tests::client_of;
use http_body_util::{BodyExt as _, Full};
use infrai_video::transport::TowerTransport;
use infrai_video::{Client, Error, Job, RetentionDays};
use infrai_video_sandbox::Quirk;
use verify::{Auth, Evidence, Exchange, FILE_HOST, Options, Replay};

use crate::local::spending;
use crate::recording::{record, recorded};

const CLIP: &[u8] = include_bytes!("../../crates/infrai-video-sandbox/src/clips/stock/clip.mp4");
const READING: Options = Options { allowance: None, delete_all: false, timeout: Duration::from_secs(900) };

/// What the SDK has sent, with the status of each response.
type Log = Arc<Mutex<Vec<String>>>;

/// A client of the recording. The first download of a whole clip stops in the middle.
fn client(evidence: &Evidence, log: &Log) -> Client {
    let replay = Arc::new(Mutex::new(Replay::new(evidence, CLIP)));
    let (log, cut) = (log.clone(), Arc::new(Mutex::new(true)));
    let service = tower::service_fn(move |request: http::Request<Full<Bytes>>| {
        let (replay, log, cut) = (replay.clone(), log.clone(), cut.clone());
        async move {
            let (head, body) = request.into_parts();
            let request = http::Request::from_parts(head, body.collect().await?.to_bytes());
            let response = replay.lock().unwrap().respond(&request);
            let is_part = request.headers().contains_key("range");
            let range = if is_part { " (a part)" } else { "" };
            let line = format!(
                "{} {}{range}: {}",
                request.method(),
                request.uri().path(),
                response.status().as_u16()
            );
            log.lock().unwrap().push(line);
            let is_clip = request.uri().to_string().starts_with(FILE_HOST) && response.status().is_success();
            let is_cut = is_clip && std::mem::take(&mut *cut.lock().unwrap());
            Ok::<_, Infallible>(response.map(|mut body| {
                body.truncate(if is_cut { body.len() / 2 } else { body.len() });
                Full::new(Bytes::from(body))
            }))
        }
    });
    client_of(&evidence.base_url).with_transport(TowerTransport::new(service)).build().unwrap()
}

/// What the SDK made of a recording.
struct Played {
    /// The calls, each with the recorded status.
    calls: Vec<String>,
    /// The requests, each with the status of its response.
    log: Vec<String>,
}

/// Calls the SDK, and checks that each call ends as it was recorded.
struct Player<'a> {
    evidence: &'a Evidence,
    calls: Vec<String>,
}

impl<'a> Player<'a> {
    /// The recorded exchanges with a method and a URL.
    fn recorded(&self, method: &str, url: &str) -> impl DoubleEndedIterator<Item = &'a Exchange> {
        let (method, url) = (method.to_owned(), url.to_owned());
        let exchanges = self.evidence.exchanges.values();
        exchanges.filter(move |Exchange { request, .. }| {
            request.method == method && request.url == url && request.auth == Auth::ApiKey
        })
    }

    /// The first of them after which the SDK does not retry.
    fn first(&self, method: &str, url: &str) -> Option<&'a Exchange> {
        let is_retried =
            |exchange: &&Exchange| matches!(exchange.response.status, 408 | 429 | 500 | 502..=504);
        let mut exchanges = self.recorded(method, url);
        exchanges.find(|exchange| !is_retried(exchange)).or_else(|| self.recorded(method, url).next())
    }

    /// Makes a call if it was recorded, and compares the result with the response.
    async fn check<T>(
        &mut self,
        name: &str,
        recorded: Option<&Exchange>,
        call: impl IntoFuture<Output = Result<T, Error>>,
    ) -> Option<T> {
        let recorded = recorded?;
        let status = recorded.response.status;
        let result = call.await;
        match &result {
            Ok(_) => assert!(is_accepted(recorded), "{name} was {status}"),
            Err(error) => {
                assert!(!is_accepted(recorded), "{name} was {status}: {error}");
                assert_eq!(error.status(), Some(status), "{name}: {error}");
            }
        }
        self.calls.push(format!("{name} {status}"));
        result.ok()
    }

    /// What a run reads before it changes anything.
    async fn reading(&mut self, client: &Client) {
        let capabilities = self.first("GET", "/v1/video/capabilities");
        self.check("capabilities", capabilities, client.capabilities()).await;
        self.check("list", self.first("GET", "/v1/video/list"), client.list()).await;
        let one =
            self.check("limit", self.first("GET", "/v1/video/list?limit=1"), client.list().limit(1)).await;
        if let Some(cursor) = one.and_then(|page| page.next_cursor.clone()) {
            let prefix = "/v1/video/list?limit=1&cursor=";
            let mut pages = self.evidence.exchanges.values();
            let next = pages.find(|exchange| exchange.request.url.starts_with(prefix));
            self.check("cursor", next, client.list().limit(1).cursor(cursor)).await;
        }
        let is_reading = |exchange: &&Exchange| exchange.request.method == "GET";
        for Exchange { request, .. } in self.evidence.exchanges.values().take_while(is_reading) {
            let parts: Vec<_> = request.url.split('/').collect();
            let ["", "v1", "video", operation, id] = parts.as_slice() else { continue };
            let (name, recorded) = (format!("{operation} {id}"), self.first("GET", &request.url));
            match *operation {
                "status" if id.starts_with("job-") => {
                    _ = self.check(&name, recorded, client.status(id)).await
                }
                "get" => _ = self.check(&name, recorded, client.get(id)).await,
                "download_url" => _ = self.check(&name, recorded, client.download_url(id)).await,
                _ => {}
            }
        }
    }

    /// A clip from its order to its deletion.
    async fn clip(&mut self, client: &Client) {
        let generate = self.recorded("POST", "/v1/video/generate").find(|exchange| is_accepted(exchange));
        let clip = client.generate("another clip").duration_seconds(1);
        let Some(job) = self.check("generate", generate, clip).await else { return };
        let id = job.id().as_str();
        let place = if id.parse::<u64>().is_ok() { format!("job-{id}") } else { id.to_owned() };
        let url = |operation: &str| format!("/v1/video/{operation}/{place}");
        let download_url = self.first("GET", &url("download_url"));
        match job.wait().await {
            Ok(finished) => {
                assert!(download_url.is_some(), "{:?} is not recorded as successful", finished.job());
                self.calls.push("wait".to_owned());
            }
            Err(error) => assert!(download_url.is_none(), "{error}"),
        }
        self.check("status", self.first("GET", &url("status")), job.status()).await;
        self.check("get", self.first("GET", &url("get")), job.get()).await;
        let link = self.check("download_url", download_url, job.download_url()).await;
        if let Some(link) = link.and_then(|link| link.url.clone()) {
            self.download(&job, &link).await;
        }
        self.check("cancel", self.first("POST", &url("cancel")), job.cancel()).await;
        let week = RetentionDays::try_from(7).unwrap();
        let retention = self.first("POST", &url("set_retention"));
        self.check("set_retention", retention, job.set_retention(week)).await;
        if self.check("delete", self.first("DELETE", &url("delete")), job.delete()).await.is_some() {
            let deleted = self.recorded("GET", &url("status")).next_back();
            self.check("status after delete", deleted, job.status()).await;
        }
    }

    /// Downloads to a file, if the recorded link has worked.
    async fn download(&mut self, job: &Job, link: &str) {
        let mut exchanges = self.evidence.exchanges.values();
        let Some(file) = exchanges.find(|exchange| exchange.request.url == link) else { return };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clip.mp4");
        let result = job.download().to_path(&path).await;
        assert_eq!(result.is_ok(), is_accepted(file), "{result:?}");
        if result.is_ok() {
            assert!(fs::read(&path).unwrap() == CLIP, "the file differs from the clip");
        }
        self.calls.push("download".to_owned());
    }
}

fn is_accepted(exchange: &Exchange) -> bool {
    let body = exchange.response.json();
    let says_not_ok = body.is_some_and(|body| body["ok"] == false || body["data"]["ok"] == false);
    (200..300).contains(&exchange.response.status) && !says_not_ok
}

fn play(evidence: &Evidence) -> Played {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let log = Log::default();
    let mut player = Player { evidence, calls: Vec::new() };
    runtime.block_on(async {
        let client = client(evidence, &log);
        player.reading(&client).await;
        player.clip(&client).await;
    });
    let log = log.lock().unwrap().clone();
    let missing: Vec<_> = log.iter().filter(|line| line.ends_with(": 501")).collect();
    assert!(missing.is_empty(), "the recording has no {missing:?}");
    Played { calls: player.calls, log }
}

/// Plays all recordings of a directory. Returns their number.
fn play_all(directory: &Path, are_of_service: bool) -> usize {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths
        .map(|path| {
            let evidence = Evidence::read(&path).unwrap();
            assert_eq!(evidence.is_service, are_of_service, "{} is in the wrong directory", path.display());
            let calls = play(&evidence).calls;
            assert!(calls.len() >= 2, "{} plays only {calls:?}", path.display());
        })
        .count()
}

#[test]
fn the_sdk_agrees_with_what_the_service_has_said() {
    let root = contract_tests::root();
    assert_eq!(play_all(&root.join("tests/verify/recordings"), false), 1);
    let played = play_all(&root.join("openapi/evidence"), true);
    println!("played {played} recordings of the service");
}

#[test]
fn the_recording_of_the_sandbox_has_every_operation_of_a_clip() {
    let Played { calls, log } = play(&recorded());
    insta::assert_snapshot!(format!("{}\n\n{}", calls.join("\n"), log.join("\n")));
}

#[test]
fn a_recording_without_a_clip_plays_what_can_be_read() {
    let Played { calls, log } = play(&record(None, READING));
    assert!(calls.len() > 8 && log.iter().all(|line| line.starts_with("GET ")), "{calls:?} {log:?}");
}

/// Plays a recording of a quirk, and returns its text, too.
fn plays(quirk: Quirk) -> (String, Played) {
    let evidence = record(Some(quirk), spending(0.5));
    let played = play(&evidence);
    assert!(played.calls.contains(&"status after delete 404".to_owned()), "{:?}", played.calls);
    (evidence.to_json(), played)
}

#[test]
fn results_without_an_envelope_stay_bare() {
    let mut replay = Replay::new(&record(Some(Quirk::BareResults), READING), CLIP);
    let request = http::Request::get("/v1/video/capabilities").header("authorization", "Bearer key");
    let response = replay.respond(&request.body("").unwrap());
    assert!(response.body().starts_with(b"{\"vendors\":"), "{}", String::from_utf8_lossy(response.body()));
    plays(Quirk::BareResults);
}

#[test]
fn ids_that_are_numbers_stay_numbers() {
    let (_, played) = plays(Quirk::IntegerIds);
    assert!(played.log.iter().any(|line| line.starts_with("DELETE /v1/video/delete/5")), "{:?}", played.log);
}

#[test]
fn a_download_resumes_only_if_the_file_host_had_ranges() {
    let parts = |played: &Played| {
        let parts = played.log.iter().filter(|line| line.contains("(a part)"));
        parts.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(parts(&plays(Quirk::NoRanges).1), ["200"]);
    assert_eq!(parts(&play(&recorded())), ["206"]);
}

#[test]
fn other_words_for_states_stay() {
    let (text, _) = plays(Quirk::StateSynonyms);
    assert!(text.contains("\"processing\"") && text.contains("\"completed\""));
    assert!(!text.contains("\"running\"") && !text.contains("\"succeeded\""));
}
