//! A headless Chromium that looks at a sandbox, and the sandbox.

use std::panic::AssertUnwindSafe;
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt as _;
use infrai_video_sandbox::{Clock, Sandbox, SandboxBuilder};
use reqwest::Url;
use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::{By, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver, WebElement};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

pub(crate) const KEY: &str = "ifr_pk_sandbox";

/// The name of somebody else's page, which the browser resolves to this machine as after DNS rebinding.
pub(crate) const FOREIGN: &str = "rebound.example";

/// After this long a condition that has not come true will not.
const PATIENCE: Duration = Duration::from_secs(60);

/// Chromium asks its maker for news unless it is told not to, and looks for a system that a container does not have.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser takes most of a machine: two at a time would only wait for each other.
static TURN: Mutex<()> = Mutex::const_new(());

/// A sandbox whose time is turned by hand, with credit for many jobs.
pub(crate) fn builder() -> SandboxBuilder {
    Sandbox::builder().clock(Clock::manual()).starting_balance(50.0)
}

/// A sandbox and a browser that can look at it.
pub(crate) struct Visit {
    pub(crate) sandbox: Sandbox,
    driver: WebDriver,
}

/// Runs a test in a browser. Beside its own claims the test fails if the browser complained about anything, or asked
/// anybody but the two hosts of the sandbox.
pub(crate) async fn visit(sandbox: SandboxBuilder, test: impl AsyncFnOnce(&Visit)) {
    let _turn = TURN.lock().await;
    let sandbox = sandbox.start().await.expect("free ports");
    let profile = tempfile::tempdir().unwrap();
    let (mut process, address) = chromedriver().await;
    let mut wanted = DesiredCapabilities::chrome();
    for argument in ARGUMENTS {
        wanted.add_arg(argument).unwrap();
    }
    wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
    wanted.add_arg(&format!("--host-resolver-rules=MAP {FOREIGN} 127.0.0.1")).unwrap();
    wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All).unwrap();
    wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
    let driver = WebDriver::new(address, wanted).await.expect("a browser");
    driver.set_script_timeout(PATIENCE).await.unwrap();
    let visit = Visit { sandbox, driver };
    let outcome = AssertUnwindSafe(async {
        test(&visit).await;
        visit.nothing_went_wrong().await;
    });
    let outcome = outcome.catch_unwind().await;
    // The browser must go before the program that started it.
    visit.driver.quit().await.expect("the browser closes");
    process.kill().await.expect("chromedriver ends");
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Starts chromedriver on a port that the system chooses, and reads which one it is.
async fn chromedriver() -> (Child, String) {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver is installed: see `cargo xtask test --only browser`");
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
            // Whatever else it says must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (process, address);
        }
    }
    panic!("chromedriver ended before it named its port");
}

impl Visit {
    pub(crate) async fn open(&self, path: &str) {
        self.open_at(&format!("{}{path}", self.sandbox.base_url())).await;
    }

    pub(crate) async fn open_at(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Opens the page, and waits until it listens.
    pub(crate) async fn open_page(&self) {
        self.open("/").await;
        self.until(
            "document.querySelector('#link').dataset.state === 'on' && document.querySelector('#request-range').textContent",
        )
        .await;
    }

    /// Waits until an expression in the page comes true, frame by frame.
    pub(crate) async fn until(&self, condition: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const look = () => {{
                 let found = false;
                 try {{ found = Boolean({condition}); }} catch {{ found = false; }}
                 if (found) done(true); else requestAnimationFrame(look);
             }};
             look();"
        );
        let waited = self.driver.execute_async(script, Vec::new()).await;
        if let Err(error) = waited {
            let text = self.value("document.body.innerText").await;
            panic!("never came true: {condition} ({error})\nthe page says: {text}");
        }
    }

    /// The value of an expression in the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let response = self.driver.execute(format!("return {expression};"), Vec::new()).await;
        response.unwrap_or_else(|error| panic!("{expression}: {error}")).json().clone()
    }

    /// The value of a promise in the page.
    pub(crate) async fn resolved(&self, promise: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; ({promise}).then(done);");
        let response = self.driver.execute_async(script, Vec::new()).await;
        response.unwrap_or_else(|error| panic!("{promise}: {error}")).json().clone()
    }

    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        self.driver.find(By::Css(selector)).await.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Chooses a tab.
    pub(crate) async fn tab(&self, name: &str) {
        self.click(&format!("#tab-{name}")).await;
        self.until(&format!("!document.querySelector('#panel-{name}').hidden")).await;
    }

    /// Confirms the question that is asked, and gives its words.
    pub(crate) async fn confirm(&self) -> String {
        self.until("document.querySelector('#question').open").await;
        let text = self.find("#question").await.text().await.unwrap();
        self.click("#question-yes").await;
        self.until("!document.querySelector('#question').open").await;
        text
    }

    /// Waits until a second window shows this path, and closes it.
    pub(crate) async fn other_window_shows(&self, path: &str) {
        let own = self.driver.window().await.unwrap();
        // The script of the page opens the window in its own time.
        self.until("document.hidden || !document.hasFocus()").await;
        let windows = self.driver.windows().await.unwrap();
        let other = windows.into_iter().find(|window| *window != own).expect("another window");
        self.driver.switch_to_window(other).await.unwrap();
        self.until(&format!("location.pathname === '{path}'")).await;
        self.driver.close_window().await.unwrap();
        self.driver.switch_to_window(own).await.unwrap();
    }

    /// Presses keys wherever the focus is.
    pub(crate) async fn press(&self, keys: impl Into<thirtyfour::TypingData>) {
        self.driver.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Submits a job over the API, as any client does, and gives its id.
    pub(crate) async fn submit(&self, request: Value) -> String {
        self.submit_as(KEY, request).await
    }

    pub(crate) async fn submit_as(&self, key: &str, request: Value) -> String {
        let response = reqwest::Client::new()
            .post(format!("{}/v1/video/generate", self.sandbox.base_url()))
            .bearer_auth(key)
            .json(&request)
            .send();
        let response: Value = response.await.unwrap().json().await.unwrap();
        response["data"]["job_id"].as_str().unwrap_or_else(|| panic!("no job: {response}")).to_owned()
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn command(&self, method: &str, parameters: Value) -> Value {
        self.driver
            .cdp()
            .send_raw(method, parameters)
            .await
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub(crate) async fn shows_itself(&self, width: u32, scheme: &str) {
        let height = if width < 600 { 844 } else { 900 };
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.command("Emulation.setEmulatedMedia", features).await;
        self.until(&format!(
            "innerWidth === {width} && matchMedia('(prefers-color-scheme: {scheme})').matches"
        ))
        .await;
    }

    /// The address of every request that the browser sent since this was last asked.
    pub(crate) async fn requests(&self) -> Vec<Url> {
        let log = self.driver.get_log("performance").await.unwrap();
        let sent = log.iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(&entry.message).ok()?;
            let message = &message["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            is_request.then(|| message["params"]["request"]["url"].as_str()?.parse().ok())?
        });
        // The browser's own pages and what is written inside of a page go over no network.
        let requests: Vec<Url> =
            sent.filter(|url: &Url| !["chrome", "data", "blob", "about"].contains(&url.scheme())).collect();
        for url in &requests {
            let known = [self.sandbox.base_url(), self.sandbox.file_base_url()];
            let is_known = known.contains(&url.origin().ascii_serialization().as_str());
            assert!(is_known || url.host_str() == Some(FOREIGN), "a request to {url}");
        }
        requests
    }

    /// What the browser complained of since this was last asked.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }

    async fn nothing_went_wrong(&self) {
        self.requests().await;
        let mut complaints = self.complaints().await;
        // The browser asks for the icon of a page in the background: under a foreign name it is rejected, early or late.
        complaints.retain(|complaint| !(complaint.contains(FOREIGN) && complaint.contains("421")));
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// Selects the card of a job.
pub(crate) fn card(id: &str) -> String {
    format!("li[data-job=\"{id}\"]")
}

/// Is true once the card of a job shows this state, in its look and in its words.
pub(crate) fn shows(id: &str, state: &str) -> String {
    format!("document.querySelector('{}[data-state=\"{state}\"] .state').textContent === '{state}'", card(id))
}
