//! One account at a time: rules, clocks, requests and resets that other accounts do not notice.

use std::time::Duration;

use infrai_video_sandbox::{Action, Fault, Ledger, Operation, SandboxRouter};
use serde_json::{Value, json};

use crate::common::{
    Call, KEY, OTHER_KEY, builder, call, cheap_job, download_url, get, post, sandbox, state,
};

const KEYS: [&str; 2] = [KEY, OTHER_KEY];

/// Makes a cheap job with an API key.
async fn job(sandbox: &SandboxRouter, key: &str, prompt: &str) -> String {
    let body = json!({"prompt": prompt, "prefer": "cheapest", "duration_seconds": 1});
    let data = post("/v1/video/generate", body).key(key).send(sandbox).await.data();
    data["job_id"].as_str().expect("an id").to_owned()
}

async fn state_for(sandbox: &SandboxRouter, key: &str, id: &str) -> Value {
    get(&format!("/v1/video/status/{id}")).key(key).send(sandbox).await.data()["state"].clone()
}

/// A call of the admin API, limited to the account of an API key.
fn admin(method: &str, route: &str, key: &str) -> Call {
    call(method, &format!("/__sandbox/{route}?account={key}"))
}

async fn shown(sandbox: &SandboxRouter, route: &str, key: &str) -> Value {
    admin("GET", route, key).send(sandbox).await.json()
}

#[tokio::test]
async fn a_rule_for_an_account_acts_on_its_calls_alone() {
    let sandbox = sandbox();
    let rules = "[[fault]]\noperation = 'list'\naction = 'status'\nstatus = 503\ncount = 1";
    for key in KEYS {
        admin("PUT", "faults", key).bytes(rules).send(&sandbox).await;
    }
    for key in KEYS {
        let list = || get("/v1/video/list").key(key);
        assert_eq!(list().send(&sandbox).await.status, 503, "{key}");
        list().send(&sandbox).await.data();
        let rule = json!({"operation": "list", "account": Ledger::account_of(key), "action": "status", "status": 503,
            "count": 1, "matched": 2, "acted": 1});
        assert_eq!(shown(&sandbox, "faults", key).await, json!({"faults": [rule]}));
    }
    get("/v1/video/list").key("ifr_pk_a_third").send(&sandbox).await.data();
    assert_eq!(sandbox.faults().len(), 2);
    admin("PUT", "faults", KEY).bytes("").send(&sandbox).await;
    assert_eq!(shown(&sandbox, "faults", KEY).await, json!({"faults": []}));
    assert_eq!(sandbox.faults().len(), 1, "those of the other account stay");
    admin("POST", "faults/remove", OTHER_KEY).bytes(rules).send(&sandbox).await;
    assert_eq!(sandbox.faults(), []);
}

#[tokio::test]
async fn rules_for_all_accounts_stay_when_those_of_one_are_replaced() {
    let sandbox = builder().fault(Fault::on(Operation::Capabilities, Action::status(500))).router();
    admin("PUT", "faults", KEY).bytes("[[fault]]\naction = 'status'\nstatus = 418").send(&sandbox).await;
    let capabilities = |key| get("/v1/video/capabilities").key(key);
    assert_eq!(capabilities(KEY).send(&sandbox).await.status, 500, "the first rule acts");
    assert_eq!(capabilities(OTHER_KEY).send(&sandbox).await.status, 500);
    let list = |key| get("/v1/video/list").key(key);
    assert_eq!(list(KEY).send(&sandbox).await.status, 418);
    assert_eq!(list(OTHER_KEY).send(&sandbox).await.status, 200);
    assert_eq!(
        call("GET", "/v1/video/list").send(&sandbox).await.status,
        401,
        "without a key there is no account"
    );
}

#[tokio::test]
async fn a_rule_names_its_account_in_a_file_too() {
    let sandbox = sandbox();
    let rule = format!("[[fault]]\naccount = '{OTHER_KEY}'\naction = 'status'\nstatus = 500");
    let response = call("PUT", "/__sandbox/faults").bytes(rule.as_str()).send(&sandbox).await;
    assert_eq!(response.json()["faults"][0]["account"], json!(Ledger::account_of(OTHER_KEY)));
    assert!(!response.text().contains(OTHER_KEY), "a key is not shown");
    get("/v1/video/list").send(&sandbox).await.data();
    assert_eq!(get("/v1/video/list").key(OTHER_KEY).send(&sandbox).await.status, 500);
    let mixed = admin("PUT", "faults", KEY).bytes(rule.as_str()).send(&sandbox).await;
    assert_eq!(mixed.status, 422);
    assert!(mixed.text().contains("another account"), "{}", mixed.text());
    let unknown = call("PUT", "/__sandbox/faults").bytes("[[fault]]\naccount = 'me'\naction = 'stuck'");
    assert!(unknown.send(&sandbox).await.text().contains("ifr_pk_"));
}

#[tokio::test]
async fn the_nth_job_of_a_rule_for_an_account_is_counted_in_that_account() {
    let sandbox = sandbox();
    sandbox.account(OTHER_KEY).set_faults([Fault::on(Operation::Status, Action::status(500)).for_nth_job(2)]);
    let foreign = [job(&sandbox, KEY, "a").await, job(&sandbox, KEY, "b").await];
    let own = [job(&sandbox, OTHER_KEY, "c").await, job(&sandbox, OTHER_KEY, "d").await];
    call("DELETE", &format!("/v1/video/delete/{}", own[0])).key(OTHER_KEY).send(&sandbox).await.data();
    let status = |key, id: &str| get(&format!("/v1/video/status/{id}")).key(key);
    assert_eq!(status(OTHER_KEY, &own[1]).send(&sandbox).await.status, 500);
    assert_eq!(status(KEY, &foreign[1]).send(&sandbox).await.status, 200);
}

#[tokio::test]
async fn chance_in_a_rule_for_an_account_does_not_depend_on_the_rules_of_others() {
    let acted = async |others: usize| {
        let sandbox = sandbox();
        let rule = || Fault::on(Operation::List, Action::status(500)).with_probability(0.5);
        for other in 0..others {
            sandbox.account(&format!("ifr_pk_{other}")).set_faults([rule()]);
        }
        sandbox.account(KEY).set_faults([rule()]);
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(get("/v1/video/list").send(&sandbox).await.status.as_u16());
        }
        statuses
    };
    let alone = acted(0).await;
    assert!(alone.contains(&200) && alone.contains(&500), "{alone:?}");
    assert_eq!(alone, acted(3).await);
}

#[tokio::test]
async fn the_clock_of_an_account_advances_alone() {
    let sandbox = sandbox();
    let (own, foreign) = (job(&sandbox, KEY, "a").await, job(&sandbox, OTHER_KEY, "b").await);
    let clock =
        admin("POST", "clock", KEY).json(json!({"advance_seconds": 3600})).send(&sandbox).await.json();
    assert_eq!(clock, json!({"now": "2026-01-01T01:00:00Z"}));
    assert_eq!(state_for(&sandbox, KEY, &own).await, "succeeded");
    assert_eq!(state_for(&sandbox, OTHER_KEY, &foreign).await, "queued");
    let states: Vec<_> = sandbox.jobs().iter().map(|job| job.state.as_str()).collect();
    assert_eq!(states, ["succeeded", "queued"]);
    for (key, now) in [(KEY, "2026-01-01T01:00:00Z"), (OTHER_KEY, "2026-01-01T00:00:00Z")] {
        assert_eq!(shown(&sandbox, "clock", key).await["now"], now);
    }
    assert_eq!(call("GET", "/__sandbox/clock").send(&sandbox).await.json()["now"], "2026-01-01T00:00:00Z");
    sandbox.clock().advance(Duration::from_secs(60));
    assert_eq!(shown(&sandbox, "clock", KEY).await["now"], "2026-01-01T01:01:00Z");
    let response = get("/v1/video/list").send(&sandbox).await;
    assert_eq!(response.header("date"), Some("Thu, 01 Jan 2026 01:01:00 GMT"), "as the account sees it");
}

#[tokio::test]
async fn links_and_clips_expire_by_the_clock_of_their_account() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let account = sandbox.account(KEY);
    let url = download_url(&sandbox, &id).await;
    let fetch = || call("GET", &url);
    sandbox.account(OTHER_KEY).advance(Duration::from_secs(16 * 60));
    assert_eq!(fetch().send(&sandbox).await.status, 200);
    account.advance(Duration::from_secs(14 * 60));
    let response = fetch().send(&sandbox).await;
    assert_eq!(
        (response.status.as_u16(), response.header("date")),
        (200, Some("Thu, 01 Jan 2026 00:14:00 GMT"))
    );
    account.advance(Duration::from_secs(60));
    assert_eq!(fetch().send(&sandbox).await.status, 403, "links are valid for 15 minutes");
    let fresh = download_url(&sandbox, &id).await;
    assert_eq!(call("GET", &fresh).send(&sandbox).await.status, 200);
    account.advance(Duration::from_secs(31 * 86400));
    let expired = get(&format!("/v1/video/download_url/{id}")).send(&sandbox).await;
    assert_eq!(expired.status, 410, "clips are kept for 30 days");
}

#[tokio::test]
async fn refunds_and_idempotency_keys_follow_the_clock_of_their_account() {
    let sandbox = sandbox();
    let order = |key: &'static str| {
        let body = json!({"prompt": "a [fail]", "prefer": "cheapest", "duration_seconds": 1});
        post("/v1/video/generate", body).key(key).header("idempotency-key", "k1")
    };
    for key in KEYS {
        order(key).send(&sandbox).await.data();
    }
    let refunds = |key| sandbox.account(key).ledger().refunds().count();
    let account = sandbox.account(KEY);
    account.advance(Duration::from_secs(3600));
    assert_eq!((refunds(KEY), refunds(OTHER_KEY)), (1, 0));
    let refund = account.ledger().refunds().next().expect("a refund").at;
    assert!(refund > sandbox.clock().now() && refund < account.now(), "the moment at which the job failed");
    assert_eq!(order(KEY).send(&sandbox).await.json()["metadata"]["cache_hit"], true);
    account.advance(Duration::from_secs(24 * 3600));
    for (key, replays) in [(KEY, false), (OTHER_KEY, true)] {
        assert_eq!(order(key).send(&sandbox).await.json()["metadata"]["cache_hit"], json!(replays), "{key}");
    }
    sandbox.clock().advance(Duration::from_secs(3600));
    assert_eq!((refunds(KEY), refunds(OTHER_KEY)), (2, 1));
    assert!(account.ledger().balance_usd(KEY) == Some(2.0) && account.ledger().balances.len() == 1);
}

#[tokio::test]
async fn a_job_that_was_cancelled_or_deleted_is_refunded_once_whatever_the_clock_of_its_account() {
    for operation in ["cancel", "delete"] {
        let sandbox = sandbox();
        let id = job(&sandbox, KEY, "a [fail]").await;
        let account = sandbox.account(KEY);
        account.advance(Duration::from_secs(1));
        let request = match operation {
            "cancel" => post(&format!("/v1/video/cancel/{id}"), json!({})),
            _ => call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY),
        };
        request.send(&sandbox).await.data();
        account.advance(Duration::from_secs(3600));
        account.advance(Duration::MAX);
        sandbox.clock().advance(Duration::from_secs(3600));
        assert_eq!(account.ledger().refunds().count(), 1, "{operation}");
        assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0), "{operation}");
    }
}

#[tokio::test]
async fn the_journal_and_the_ledger_of_an_account_have_nothing_of_others() {
    let sandbox = builder().instant_jobs().router();
    let ids = [job(&sandbox, KEY, "a").await, job(&sandbox, OTHER_KEY, "b").await];
    let url = {
        let link = get(&format!("/v1/video/download_url/{}", ids[1])).key(OTHER_KEY);
        link.send(&sandbox).await.data()["url"].as_str().expect("a link").to_owned()
    };
    call("GET", &url).send(&sandbox).await;
    call("GET", "/v1/video/list").send(&sandbox).await;
    let operations =
        |key| -> Vec<_> { sandbox.account(key).journal().iter().filter_map(|seen| seen.operation).collect() };
    assert_eq!(operations(KEY), [Operation::Generate]);
    assert_eq!(operations(OTHER_KEY), [Operation::Generate, Operation::DownloadUrl, Operation::Clip]);
    assert_eq!(sandbox.journal().len(), 5);
    for (key, id) in KEYS.into_iter().zip(&ids) {
        let journal = shown(&sandbox, "journal", key).await;
        let first = &journal["requests"][0];
        assert_eq!((&first["job_id"], &first["account"]), (&json!(id), &json!(Ledger::account_of(key))));
        assert!(first["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{first}");
        let ledger = shown(&sandbox, "ledger", key).await;
        assert_eq!(ledger["balances"].as_object().map(serde_json::Map::len), Some(1));
        assert!(ledger["entries"].as_array().is_some_and(|entries| entries.len() == 2));
        assert_eq!(shown(&sandbox, "jobs", key).await["jobs"][0]["job_id"], json!(id));
    }
    let name = Ledger::account_of(KEY);
    assert_eq!(shown(&sandbox, "ledger", &name).await, shown(&sandbox, "ledger", KEY).await, "by name too");
}

#[tokio::test]
async fn duplicate_charges_are_counted_for_each_account() {
    let sandbox = builder().fault(Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1)).router();
    let body = json!({"prompt": "a", "prefer": "cheapest"});
    for key in ["k1", "k2"] {
        let request = post("/v1/video/generate", body.clone()).header("idempotency-key", key);
        let _lost = request.try_send(&sandbox).await;
    }
    job(&sandbox, OTHER_KEY, "a").await;
    let double = |key| sandbox.account(key).ledger().double_charges();
    assert_eq!((double(KEY), double(OTHER_KEY), sandbox.ledger().double_charges()), (1, 0, 1));
}

#[tokio::test]
async fn a_reset_of_an_account_forgets_it_alone() {
    let sandbox = sandbox();
    for key in KEYS {
        let rule = Fault::on(Operation::List, Action::status(500)).nth(1);
        sandbox.account(key).set_faults([rule]);
        job(&sandbox, key, "a [fail]").await;
        get("/v1/video/list").key(key).send(&sandbox).await;
    }
    sandbox.account(KEY).advance(Duration::from_secs(7));
    admin("POST", "reset", KEY).send(&sandbox).await;
    let account = sandbox.account(KEY);
    assert!(account.jobs().is_empty() && account.journal().is_empty() && account.ledger().entries.is_empty());
    assert_eq!(account.now(), sandbox.clock().now());
    assert_eq!(account.faults()[0].matched, 0);
    let other = sandbox.account(OTHER_KEY);
    assert_eq!((other.jobs().len(), other.journal().len(), other.ledger().entries.len()), (1, 2, 2));
    assert_eq!(other.faults()[0].matched, 1);
    // It starts over.
    assert_eq!(get("/v1/video/list").send(&sandbox).await.status, 500);
    let id = cheap_job(&sandbox).await;
    assert_eq!(state(&sandbox, &id).await, "queued");
    sandbox.clock().advance(Duration::from_secs(3600));
    assert_eq!((account.ledger().refunds().count(), other.ledger().refunds().count()), (0, 1));
    let last = sandbox.journal().last().expect("requests").clone();
    assert_eq!((last.job_id, last.status), (Some(id), Some(200)));
    assert_eq!(sandbox.journal_after(last.sequence - 1).len(), 1);
}

#[tokio::test]
async fn a_query_that_means_nothing_is_rejected() {
    let sandbox = sandbox();
    for (method, route, wrong) in [
        ("GET", "journal?account=", "ifr_pk_"),
        ("GET", "journal?account=me", "acct_"),
        ("GET", "ledger?acount=ifr_pk_a", "acount"),
        ("POST", "reset?account=ifr_pk_a&account=ifr_pk_b", "several"),
        ("POST", "reset?account=ifr_pk_a%20b", "ifr_pk_"),
        ("PUT", "vendors?account=ifr_pk_a", "no parameters"),
        ("PUT", "scenario/lost-response?account=ifr_pk_a", "no parameters"),
        ("GET", "jobs/vj_1?account=ifr_pk_a", "no parameters"),
    ] {
        let response = call(method, &format!("/__sandbox/{route}")).send(&sandbox).await;
        assert_eq!(response.status, 422, "{route}");
        assert!(response.text().contains(wrong), "{}", response.text());
    }
}

#[tokio::test]
async fn new_rules_and_a_reset_end_what_is_in_progress_in_their_account_alone() {
    for method in ["PUT", "POST"] {
        let sandbox = sandbox();
        let order = |key: &str| {
            let body = json!({"prompt": "a", "prefer": "cheapest"});
            post("/v1/video/generate", body).key(key).header("idempotency-key", "k1")
        };
        for key in KEYS {
            let action = Action::InFlight { lasts: Duration::from_secs(60), retry_after: None };
            sandbox.account(key).set_faults([Fault::on(Operation::Generate, action).nth(1)]);
            assert_eq!(order(key).send(&sandbox).await.status, 504);
            assert_eq!(order(key).send(&sandbox).await.status, 409, "in progress");
        }
        let route = if method == "PUT" { "faults" } else { "reset" };
        assert_eq!(admin(method, route, KEY).send(&sandbox).await.status, 200);
        assert_ne!(order(KEY).send(&sandbox).await.status, 409, "{route}");
        assert_eq!(order(OTHER_KEY).send(&sandbox).await.status, 409, "{route}");
    }
}

#[tokio::test]
async fn windows_and_pauses_of_a_rule_for_all_accounts_are_those_of_each_account() {
    let status = async |sandbox: &SandboxRouter, key: &str| {
        get("/v1/video/list").key(key).send(sandbox).await.status.as_u16()
    };
    let year = Duration::from_secs(365 * 86400);
    let minute = Duration::from_secs(60);
    let rule = || Fault::on(Operation::List, Action::status(503));
    let with = |rule: Fault| builder().fault(rule).router();

    let sandbox = with(rule().until(minute));
    sandbox.account(KEY).advance(year);
    assert_eq!([status(&sandbox, KEY).await, status(&sandbox, OTHER_KEY).await], [503, 503]);
    sandbox.clock().advance(minute);
    assert_eq!([status(&sandbox, KEY).await, status(&sandbox, OTHER_KEY).await], [200, 200]);

    let sandbox = with(rule().from(minute));
    sandbox.account(KEY).advance(year);
    assert_eq!([status(&sandbox, KEY).await, status(&sandbox, OTHER_KEY).await], [200, 200]);
    sandbox.account(OTHER_KEY).advance(minute);
    assert_eq!([status(&sandbox, KEY).await, status(&sandbox, OTHER_KEY).await], [200, 503]);
    sandbox.account(OTHER_KEY).reset();
    assert_eq!(status(&sandbox, OTHER_KEY).await, 200, "its first call comes again");

    let sandbox = with(rule().sooner_than(minute));
    sandbox.account(KEY).advance(year);
    assert_eq!([status(&sandbox, KEY).await, status(&sandbox, OTHER_KEY).await], [200, 200]);
    assert_eq!([status(&sandbox, KEY).await, status(&sandbox, OTHER_KEY).await], [503, 503]);
}

#[tokio::test]
async fn a_rule_for_an_account_has_chances_of_its_own_beside_one_for_all() {
    let half = |status| Fault::on(Operation::List, Action::status(status)).with_probability(0.5);
    let sandbox = builder().fault(half(503)).router();
    sandbox.account(KEY).set_faults([half(500)]);
    let mut statuses = std::collections::BTreeMap::<u16, u32>::new();
    for _ in 0..200 {
        *statuses.entry(get("/v1/video/list").send(&sandbox).await.status.as_u16()).or_default() += 1;
    }
    assert!([200, 500, 503].iter().all(|status| statuses[status] > 20), "{statuses:?}");
}

#[tokio::test]
async fn the_nth_job_of_another_account_is_none_of_a_rule() {
    let sandbox = sandbox();
    sandbox.account(OTHER_KEY).set_faults([Fault::on(Operation::Status, Action::status(500)).for_nth_job(1)]);
    let foreign = job(&sandbox, KEY, "a").await;
    let status = get(&format!("/v1/video/status/{foreign}")).key(OTHER_KEY).send(&sandbox).await;
    assert_eq!(status.refusal(), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn a_reset_lets_no_top_up_and_no_job_have_the_number_of_another() {
    let sandbox = sandbox();
    let topup = async |key: &str, amount: u32| {
        let request = post("/v1/account/topup", json!({"amount_usd": amount})).key(key);
        request.send(&sandbox).await.data()["checkout_url"].as_str().expect("a link").to_owned()
    };
    topup(KEY, 10).await;
    let other = topup(OTHER_KEY, 20).await;
    let before = job(&sandbox, KEY, "a").await;
    sandbox.account(KEY).reset();
    assert_ne!(topup(KEY, 30).await, other);
    assert_ne!(job(&sandbox, KEY, "a").await, before);
    call("GET", &other).send(&sandbox).await;
    assert_eq!(sandbox.ledger().balance_usd(OTHER_KEY), Some(22.0));
    let journal = sandbox.account(OTHER_KEY).journal();
    assert_eq!(journal.last().and_then(|seen| seen.operation), Some(Operation::Checkout));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_lost_after_the_reset_of_its_account_is_forgotten() {
    let hang = Fault::on(Operation::Generate, Action::accept_then_hang()).times(1);
    let sandbox = builder().fault(hang).router();
    let body = json!({"prompt": "a", "prefer": "cheapest"});
    let request = post("/v1/video/generate", body).send(&sandbox);
    let mut request = Box::pin(request);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut request).await.is_err(), "it hangs");
    assert_eq!(sandbox.ledger().charges().count(), 1);
    sandbox.account(KEY).reset();
    drop(request);
    job(&sandbox, OTHER_KEY, "a").await;
    assert!(sandbox.ledger().charges().all(|charge| !charge.response_lost));
}

#[tokio::test]
async fn the_link_of_a_deleted_job_still_belongs_to_its_account() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let link = download_url(&sandbox, &id).await;
    sandbox.account(KEY).advance(Duration::from_secs(60));
    call("DELETE", &format!("/v1/video/delete/{id}")).key(KEY).send(&sandbox).await.data();
    let gone = call("GET", &link).send(&sandbox).await;
    assert_eq!((gone.status.as_u16(), gone.header("date")), (404, Some("Thu, 01 Jan 2026 00:01:00 GMT")));
    assert_eq!(sandbox.account(KEY).journal().len(), 4);
}
