use serde_json::json;

use super::*;
use crate::exchange::Request;

fn evidence(mode: Mode, date: &str) -> Evidence {
    Evidence {
        format: FORMAT,
        is_service: true,
        base_url: "https://api.infrai.cc".to_owned(),
        date: date.to_owned(),
        mode,
        contract: "2.0.0".to_owned(),
        spent_usd: "0.00".to_owned(),
        left_out: Vec::new(),
        findings: Findings::default(),
        exchanges: BTreeMap::new(),
        shortened: BTreeMap::new(),
    }
}

/// A run of a mode that confirms and contradicts statements.
fn found(mode: Mode, date: &str, confirmed: &[&str], contradicted: &[&str]) -> Evidence {
    let mut evidence = evidence(mode, date);
    confirmed.iter().for_each(|name| evidence.findings.confirm(name, 1));
    contradicted.iter().for_each(|name| evidence.findings.contradict(name, 1, "found"));
    evidence
}

fn changed(earlier: &[Evidence], now: &Evidence) -> Vec<(String, Verdict, String, Verdict)> {
    let changes = changes(earlier, now).into_iter();
    changes.map(|change| (change.statement, change.before, change.date, change.now)).collect()
}

#[test]
fn only_runs_of_one_mode_are_compared() {
    use Mode::{Reading, Spending};
    let earlier = [
        found(Reading, "2026-12-01", &["order"], &[]),
        found(Spending, "2026-12-02", &[], &["order"]),
        found(Reading, "2026-12-03", &[], &[]),
    ];
    let now = found(Reading, "2026-12-04", &["order"], &[]);
    assert_eq!(changed(&earlier, &now), []);
    let now = found(Reading, "2026-12-04", &[], &["order"]);
    let expected = ("order".to_owned(), Verdict::Confirmed, "2026-12-01".to_owned(), Verdict::Contradicted);
    assert_eq!(changed(&earlier, &now), [expected]);
    assert_eq!(changed(&earlier[1..2], &now), []);
}

#[test]
fn a_member_that_the_server_no_longer_sends_has_changed_once() {
    let all = ["Metadata", "Metadata.cost_usd", "Retention.retention_days", "order"];
    let before = found(Mode::Reading, "2026-12-01", &all, &[]);
    // No `Retention` was sent: its members say nothing. A rule that was not tested has not changed.
    let now = found(Mode::Reading, "2026-12-02", &["Metadata"], &[]);
    let expected =
        ("Metadata.cost_usd".to_owned(), Verdict::Confirmed, "2026-12-01".to_owned(), Verdict::NotSeen);
    assert_eq!(changed(std::slice::from_ref(&before), &now), [expected]);
    assert_eq!(changed(&[before, now.clone()], &now), []);
}

#[test]
fn files_that_cannot_be_read_are_reported_and_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let of = |date: &str| evidence(Mode::Reading, date);
    write("2026-12-01-api.infrai.cc.json", &of("2026-12-01").to_json()[..40]);
    write("2026-12-02-api.infrai.cc.json", &Evidence { format: 0, ..of("2026-12-02") }.to_json());
    write("2026-12-03-api.infrai.cc.json", &of("2026-12-03").to_json());
    write(
        "2026-12-03-api.infrai.cc.2.json",
        &Evidence { spent_usd: "2".to_owned(), ..of("2026-12-03") }.to_json(),
    );
    write("2026-12-03-api.infrai.cc_a.json", "not read");
    write("2026-12-03-api.infrai.cc.json.partial", "not read");
    let other = Evidence { base_url: "https://api.infrai.cc/other".to_owned(), ..of("2026-12-04") };
    write("2026-12-04-api.infrai.cc.json", &other.to_json());
    let mut warnings = Vec::new();
    let earlier =
        Evidence::earlier(directory.path(), "https://api.infrai.cc", &mut |line| warnings.push(line));
    assert_eq!(earlier.iter().map(|evidence| evidence.spent_usd.as_str()).collect::<Vec<_>>(), ["0.00", "2"]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings.iter().all(|line| line.starts_with("warning: ") && line.contains("2026-12-0")),
        "{warnings:?}"
    );
}

fn exchange(request: Request, body: serde_json::Value) -> Exchange {
    let response = Response { status: 200, headers: Vec::new(), body: Body::Json(body) };
    Exchange { purpose: "a request".to_owned(), request, response }
}

fn outcome(exchanges: Vec<Exchange>, findings: Findings) -> Outcome {
    Outcome { findings, exchanges, spent: 0, left_out: Vec::new(), undeleted: Vec::new(), journal: None }
}

fn recorded(outcome: &Outcome) -> Evidence {
    let contract = Contract::parse(include_str!("../../../../openapi/video.yaml")).unwrap();
    let info = RunInfo {
        base_url: "http://127.0.0.1:8787".to_owned(),
        date: "2026-12-01".to_owned(),
        mode: Mode::Reading,
    };
    Evidence::new(&contract, outcome, info, &["ifr_pk_proj_secret"])
}

#[test]
fn repeated_polls_that_a_finding_cites_stay() {
    let poll = exchange(Request::get("/v1/video/status/vj_1"), json!({"data": {"state": "running"}}));
    let mut findings = Findings::default();
    findings.confirm("JobState", 3);
    findings.contradict("VideoJob", 5, "found");
    findings.undeclared(UndeclaredKind::Member, "VideoJob", "new", 7);
    let evidence = recorded(&outcome(vec![poll; 8], findings));
    assert_eq!(evidence.exchanges.keys().copied().collect::<Vec<_>>(), [1, 3, 5, 7]);
}

#[test]
fn a_long_list_shows_how_long_it_was() {
    let jobs: Vec<_> = (1..=50).map(|number| json!({"job_id": format!("vj_{number}")})).collect();
    let page = exchange(Request::get("/v1/video/list?limit=100"), json!({"data": {"items": jobs}}));
    let evidence = recorded(&outcome(vec![page], Findings::default()));
    let list = &evidence.shortened[&1]["/data/items"];
    assert_eq!((list.length, list.ids.split(' ').count()), (50, 50));
    let text = evidence.to_json();
    assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence);
}

#[test]
fn the_api_key_is_nowhere() {
    let key = "ifr_pk_proj_secret";
    let mut findings = Findings::default();
    findings.contradict("VideoJob", 1, format!("found {key}"));
    findings.undeclared(UndeclaredKind::Member, "VideoJob", key, 1);
    findings.observe("states", key);
    findings.error_code(key, 400);
    let body = json!({"data": {"state": key, "model": format!("a-{key}-b"), key: 1}, "error": {"code": key}});
    let mut exchange = exchange(Request::get("/v1/video/list"), body);
    exchange.response.headers.push(("content-type".to_owned(), format!("a/{key}")));
    let evidence = recorded(&outcome(vec![exchange], findings));
    assert!(!evidence.to_json().contains(key), "{}", evidence.to_json());
}
