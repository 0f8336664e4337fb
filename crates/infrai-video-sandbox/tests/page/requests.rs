//! The requests of the sandbox on the page.

use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::{Value, json};

use crate::browser::{KEY, Visit, builder, visit};

const ROWS: &str = "[...document.querySelectorAll('#request-list tr')].map((row) => [...row.querySelectorAll('td')].map(({ textContent }) => textContent))";

async fn opened(page: &Visit, number: u64) -> String {
    page.click(&format!("tr[data-number=\"{number}\"] button")).await;
    page.until("document.querySelector('#copy-curl')").await;
    page.find("#request").await.text().await.unwrap()
}

/// What a command in an empty folder left behind.
struct Ran {
    exit: Option<i32>,
    output: Vec<u8>,
    /// The length of the file that it wrote.
    file: Option<u64>,
}

async fn shell(command: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", command]).env("INFRAI_API_KEY", KEY).current_dir(folder.path());
    let output = shell.output().await.unwrap();
    let read = std::fs::read_dir(folder.path()).unwrap().next();
    let file = read.map(|file| std::fs::metadata(file.unwrap().path()).unwrap().len());
    Ran { exit: output.status.code(), output: output.stdout, file }
}

/// The command of the request that is open, run in a shell.
async fn run(page: &Visit) -> (String, Value) {
    let command = page.value("document.querySelector('#request pre:last-child').textContent").await;
    let command = command.as_str().unwrap().to_owned();
    let Ran { exit, output, file } = shell(&command).await;
    assert_eq!(exit, Some(0), "{command}");
    (command, serde_json::from_slice(&output).unwrap_or(json!({"file": file})))
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn requests_appear_live_and_are_filtered() {
    let busy = Fault::on(Operation::List, Action::rate_limited(7)).times(1);
    visit(builder().fault(busy), async |page| {
        page.open_page().await;
        page.tab("requests").await;
        page.until("document.querySelector('#request-range').textContent === 'No request has arrived yet.'")
            .await;
        let id = page.submit(json!({"prompt": "a boat", "idempotency_key": "k1"})).await;
        page.submit_as("ifr_pk_other", json!({"prompt": "another"})).await;
        let list = reqwest::Client::new().get(format!("{}/v1/video/list?limit=5", page.sandbox.base_url()));
        list.bearer_auth(KEY).send().await.unwrap();
        page.until("document.querySelectorAll('#request-list [data-class=\"4\"]').length === 1").await;
        let rows = page.value(ROWS).await;
        let row = |row: usize, cell: usize| rows[row][cell].as_str().unwrap().to_owned();
        assert_eq!(rows.as_array().map(Vec::len), Some(3), "{rows}");
        assert_eq!(
            [row(0, 1), row(0, 2), row(0, 3), row(0, 7)],
            ["GET", "/v1/video/list?limit=5", "429", "status"]
        );
        assert_eq!([row(2, 1), row(2, 2), row(2, 3), row(2, 6)], ["POST", "/v1/video/generate", "200", "k1"]);
        assert!(
            row(0, 0).contains("UTC") && row(0, 4).ends_with("ms") && row(0, 5).starts_with("acct_"),
            "{rows}"
        );

        let shown =
            |count: usize| format!("document.querySelectorAll('#request-list tr').length === {count}");
        page.click("#request-status option[value=\"4xx\"]").await;
        page.until(&shown(1)).await;
        page.until("document.querySelector('#request-range').textContent === '1 of 3 requests'").await;
        page.click("#all-requests").await;
        page.until(&shown(3)).await;
        page.click("#account option:last-child").await;
        page.until(&format!("!({})", shown(3))).await;
        page.click("#account option:first-child").await;
        page.until(&shown(3)).await;
        page.tab("jobs").await;
        page.click(&format!("{} [aria-label^=\"Requests of\"]", crate::browser::card(&id))).await;
        page.until(&format!("location.hash === '#requests' && {}", shown(1))).await;
        page.submit(json!({"prompt": "a third"})).await;
        page.until("document.querySelector('#request-range').textContent === '1 of 4 requests'").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_request_opens_with_its_response_and_a_command_that_works() {
    visit(builder().instant_jobs(), async |page| {
        let prompt = "it's $HOME and `ls`,\nthen \\ and \"quotes\" \u{1f3ac}\n";
        let client = reqwest::Client::new();
        let request = client.post(format!("{}/v1/video/generate", page.sandbox.base_url())).bearer_auth(KEY);
        let request = request.header("Idempotency-Key", "it's-one").json(&json!({"prompt": prompt, "duration_seconds": 1}));
        let first: Value = request.send().await.unwrap().json().await.unwrap();
        let id = first["data"]["job_id"].as_str().unwrap();
        let url = format!("{}/v1/video/download_url/{id}", page.sandbox.base_url());
        let link: Value = client.get(url).bearer_auth(KEY).send().await.unwrap().json().await.unwrap();
        client.get(link["data"]["url"].as_str().unwrap()).header("Range", "bytes=0-9").send().await.unwrap();

        page.open("/#requests").await;
        page.until("document.querySelectorAll('#request-list tr').length === 3").await;
        let text = opened(page, 1).await;
        assert!(page.value("document.querySelector('.facts-list').textContent").await.to_string().contains("Idempotency keyit's-one"));
        for part in ["200", "idempotency-key", "it's-one", "content-type", "\"state\"", id, "not kept"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(KEY), "{text}");
        let (command, response) = run(page).await;
        assert!(command.contains("\"Authorization: Bearer $INFRAI_API_KEY\""), "{command}");
        assert_eq!(response["data"]["job_id"], id, "the same request under the same key: {command}");
        assert_eq!(page.sandbox.jobs().len(), 1);
        assert_eq!(page.sandbox.journal()[3].body, page.sandbox.journal()[0].body);

        page.press(thirtyfour::Key::Escape + "").await;
        page.until("!document.querySelector('#request').open && document.activeElement.matches('tr[data-number=\"1\"] button')").await;
        let text = opened(page, 2).await;
        assert!(text.contains(".redacted") && !text.contains(link["data"]["url"].as_str().unwrap()), "{text}");
        // The address opens it again.
        page.value("location.reload()").await;
        page.until("document.querySelector('#request').open && document.querySelector('#copy-curl')").await;
        page.click("#close-request").await;
        let text = opened(page, 3).await;
        assert!(text.contains("bytes of files are not kept") && text.contains("bytes 0-9/"), "{text}");
        let command = page.value("document.querySelector('#request pre:last-child').textContent").await;
        let command = command.as_str().unwrap();
        assert!(command.contains("signature=..."), "no link is made before the command is copied: {command}");
        let output = shell(command).await;
        assert_eq!((output.exit, output.file), (Some(22), None), "an error is no clip: {command}");
        page.click("#copy-curl").await;
        page.until("/command (copied|selected)/.test(document.querySelector('#news').textContent)").await;
        assert_eq!(run(page).await.1["file"], 10, "the range is sent again, with a new link");
        page.value("history.back()").await;
        page.until("!document.querySelector('#request').open").await;
        opened(page, 1).await;
        page.click("#request .quiet").await;
        page.until("location.hash === '#jobs' && !document.querySelector('#request').open").await;
        page.until(&format!("document.querySelector('{}') && document.querySelector('#job-search').value === '{id}'", crate::browser::card(id))).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn twenty_thousand_requests_are_a_short_list() {
    visit(builder(), async |page| {
        let client = reqwest::Client::new();
        let url = format!("{}/v1/nothing", page.sandbox.base_url());
        let send = async || {
            for _ in 0..2500 {
                client.get(&url).send().await.unwrap();
            }
        };
        futures_util::future::join_all((0..8).map(|_| send())).await;
        page.open("/#requests").await;
        page.until("document.querySelectorAll('#request-list tr').length === 200").await;
        page.until("document.querySelector('#request-range').textContent.startsWith('The newest 200 of 20,000 requests.')").await;
        page.submit(json!({"prompt": "a boat"})).await;
        page.until("document.querySelector('#request-list td.what').textContent === '/v1/video/generate'").await;
        assert_eq!(page.value("document.querySelectorAll('#request-list tr').length").await, 200);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn a_command_sends_what_curl_would_read_in_its_own_way() {
    visit(builder(), async |page| {
        let base = page.sandbox.base_url();
        let sent = [
            ("/v1/video/generate", "@/etc/hostname"),
            ("/v1/video/generate", "@-"),
            ("/v1/video/generate?page=[1-3]&name={a,b}", "{\"prompt\": \"[1-3]{a,b}\"}"),
            ("/v1/other/../video/./generate?a=[", "line\nline\n"),
        ];
        for (path, body) in sent {
            let mut curl = tokio::process::Command::new("curl");
            curl.args(["-sS", "--globoff", "--path-as-is", "--data-raw", body]).arg(format!("{base}{path}"));
            assert!(curl.output().await.unwrap().status.success());
        }
        page.open("/#requests").await;
        page.until("document.querySelectorAll('#request-list tr').length === 4").await;
        for ((number, (path, body)), first) in (1..).zip(sent).zip(page.sandbox.journal()) {
            let before = page.sandbox.journal().len();
            opened(page, number).await;
            let (command, _) = run(page).await;
            let journal = page.sandbox.journal();
            assert_eq!(journal.len(), before + 1, "one request: {command}");
            let again = &journal[before];
            assert_eq!(
                (&again.path, &again.query, &again.body),
                (&first.path, &first.query, &first.body),
                "{command}"
            );
            assert_eq!(again.body.as_deref(), Some(body), "{path}");
            page.click("#close-request").await;
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn an_address_that_cannot_be_decoded_shows_its_tab() {
    visit(builder(), async |page| {
        page.submit(json!({"prompt": "a boat"})).await;
        for address in ["/#requests/%E0%A4%A", "/#requests/%", "/#requests/%zz/%"] {
            page.open("/docs").await;
            page.open(address).await;
            page.until("document.querySelectorAll('#request-list tr').length === 1").await;
            let shown = "!document.querySelector('#panel-requests').hidden && !document.querySelector('#request').open";
            assert_eq!(page.value(shown).await, true, "{address}");
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
async fn the_filter_follows_what_is_typed_and_selected_text_opens_nothing() {
    visit(builder(), async |page| {
        let id = page.submit(json!({"prompt": "a boat"})).await;
        page.submit(json!({"prompt": "a train"})).await;
        page.open_page().await;
        page.tab("requests").await;
        let rows = |count: usize| format!("document.querySelectorAll('#request-list tr').length === {count}");
        page.until(&rows(2)).await;
        page.find("#request-job").await.send_keys(&id).await.unwrap();
        page.until(&rows(1)).await;
        // As the button in the field does.
        page.value(
            "(() => { const field = document.querySelector('#request-job'); field.value = '';
            field.dispatchEvent(new Event('input', { bubbles: true })); })()",
        )
        .await;
        page.until(&rows(2)).await;

        let cell = "document.querySelector('#request-list td.method')";
        page.value(&format!("(getSelection().selectAllChildren({cell}), {cell}.click())")).await;
        assert_eq!(page.value("location.hash").await, "#requests");
        page.value(&format!("(getSelection().removeAllRanges(), {cell}.click())")).await;
        page.until("document.querySelector('#request').open").await;
    })
    .await;
}
