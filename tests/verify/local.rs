//! A sandbox without a socket, on a paused clock.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use contract_tests::KEY;
use http_body_util::{BodyExt as _, Full};
use infrai_video_sandbox::{ClipFiles, ClipRequest, Clock, Sandbox, SandboxBuilder, SandboxRouter};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use verify::{
    Allowance, Auth, Contract, Evidence, MALFORMED_KEY, Mode, NoResponse, Options, Outcome, Request,
    Response, RunInfo, Server, response_of,
};

/// The sandbox as a server that is probed.
pub(crate) struct Local {
    pub(crate) runtime: Runtime,
    pub(crate) sandbox: SandboxRouter,
    /// The number of requests so far.
    pub(crate) sent: usize,
    /// From this request on no response arrives. The request itself is carried out if it is `true`.
    pub(crate) lost_from: Option<(usize, bool)>,
}

impl Local {
    pub(crate) fn new(sandbox: SandboxBuilder) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let sandbox = {
            let _guard = runtime.enter();
            sandbox.clip_source(clip).clock(Clock::real()).router()
        };
        Self { runtime, sandbox, sent: 0, lost_from: None }
    }

    /// With enough credit for everything that a run does.
    pub(crate) fn plain() -> Self {
        Self::new(Sandbox::builder().starting_balance(100.0))
    }
}

impl Server for Local {
    fn send(&mut self, request: &Request) -> Result<Response, NoResponse> {
        self.sent += 1;
        let lost = self.lost_from.filter(|(from, _)| *from <= self.sent);
        let is_carried_out = lost.is_none_or(|(from, carried_out)| from == self.sent && carried_out);
        if !is_carried_out {
            return Err(NoResponse("the network is down".to_owned()));
        }
        let base_url = request.path().map_or("", |_| self.sandbox.base_url());
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{base_url}{}", request.url));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        builder = match request.auth {
            Auth::ApiKey => builder.header("authorization", format!("Bearer {KEY}")),
            Auth::MalformedKey => builder.header("authorization", format!("Bearer {MALFORMED_KEY}")),
            Auth::Nothing => builder,
        };
        let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
        let request = builder.body(body).unwrap();
        let sandbox = self.sandbox.clone();
        let response = self.runtime.block_on(async move {
            let response = sandbox.oneshot(request).await.map_err(|error| NoResponse(error.to_string()))?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| NoResponse(error.to_string()))?.to_bytes();
            Ok(response_of(head.status.as_u16(), &head.headers, &body))
        });
        match lost {
            Some(_) => Err(NoResponse("the network is down".to_owned())),
            None => response,
        }
    }

    fn wait(&mut self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}

fn clip(request: &ClipRequest) -> ClipFiles {
    ClipFiles { mp4: mp4(request.width, request.height), thumbnail_jpeg: Vec::new() }
}

/// A clip that was made in advance, which says that it has the requested size: rendering would take most of the time.
pub(crate) fn mp4(width: u32, height: u32) -> Vec<u8> {
    let mut mp4 = include_bytes!("../../crates/infrai-video-sandbox/src/clips/stock/clip.mp4").to_vec();
    let header = mp4.windows(4).position(|name| name == b"tkhd").unwrap() + 4;
    let size = [width, height].map(|pixels| (pixels << 16).to_be_bytes()).concat();
    mp4[header + 76..header + 84].copy_from_slice(&size);
    mp4
}

pub(crate) fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let path = contract_tests::root().join(openapi_tools::DOCUMENT);
        Contract::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    })
}

/// What a run may do that can afford everything.
pub(crate) fn spending(usd: f64) -> Options {
    let [spend, clip_price] = [usd, 0.5].map(|usd: f64| (usd * 1e6) as u64);
    Options {
        allowance: Some(Allowance { spend, clip_price }),
        delete_all: false,
        timeout: Duration::from_secs(900),
    }
}

/// A run without a journal.
pub(crate) fn run(server: &mut dyn Server, options: Options) -> Outcome {
    verify::run(contract(), server, None, options, &mut |_| {}).unwrap()
}

/// The evidence of a run.
pub(crate) fn evidence(outcome: &Outcome) -> Evidence {
    let info = RunInfo {
        base_url: "http://127.0.0.1:8787".to_owned(),
        date: "2026-12-01".to_owned(),
        mode: Mode::Spending,
    };
    Evidence::new(contract(), outcome, info, &[KEY])
}
