//! Setting a sandbox up.

use std::net::IpAddr;
#[cfg(feature = "persist")]
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::catalogue::Catalogue;
use crate::clock::{Clock, ClockHandle, FIXED_EPOCH};
use crate::cursor::Cursors;
use crate::faults::{Fault, Faults};
use crate::handle::Handle;
use crate::ids::Seed;
use crate::journal::{Journal, JournalLimits};
use crate::library::Library;
use crate::limits::Limits;
use crate::links::Links;
use crate::money::Usd;
use crate::reach::{Reach, StartError};
use crate::router::{HostService, SandboxRouter};
use crate::scenario::Scenario;
use crate::server::Sandbox;
use crate::settings::Settings;
use crate::source::{ClipFiles, ClipRequest, ClipSource, default_source};
use crate::start::Ground;
#[cfg(feature = "persist")]
use crate::store::Durable;
use crate::store::Store;
use crate::studio::{Hands, Studio};
use crate::times::JobTimes;

const DEFAULT_SEED: Seed = Seed(7);

/// How many bytes of clips are kept in memory.
const CLIP_CACHE: usize = 256 * 1024 * 1024;

/// The hosts of a sandbox without sockets. Names under `.invalid` never lead anywhere.
const API_HOST: &str = "https://api.sandbox.invalid";
const FILE_HOST: &str = "https://files.sandbox.invalid";

/// The settings of a sandbox. Each has a default, so that `Sandbox::builder().start().await` is enough.
#[must_use = "a builder does nothing until `start` or `router` is called"]
pub struct SandboxBuilder {
    /// Nothing if it was not chosen.
    seed: Option<Seed>,
    clock: Clock,
    epoch: Option<Timestamp>,
    settings: Settings,
    catalogue: Catalogue,
    faults: Vec<Fault>,
    scenario: Option<Scenario>,
    journal: JournalLimits,
    source: ClipSource,
    prerender: Option<bool>,
    limits: Limits,
    reach: Reach,
    port: u16,
    file_port: u16,
    #[cfg(feature = "persist")]
    directory: Option<PathBuf>,
}

impl Sandbox {
    /// Starts to set a sandbox up.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            seed: None,
            clock: Clock::real(),
            epoch: None,
            settings: Settings::default(),
            catalogue: Catalogue::default(),
            faults: Vec::new(),
            scenario: None,
            journal: JournalLimits::default(),
            source: default_source(),
            prerender: None,
            limits: Limits::default(),
            reach: Reach::default(),
            port: 0,
            file_port: 0,
            #[cfg(feature = "persist")]
            directory: None,
        }
    }
}

impl SandboxBuilder {
    /// What every id, signature, chance and picture follows from. The default is 7, or the one that a directory has.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(Seed(seed));
        self
    }

    /// How time passes. The default is [`Clock::real`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The time at which the clock starts. The default is the system's time on sockets with a clock that runs, and
    /// 2026-01-01T00:00:00Z otherwise.
    pub fn epoch(mut self, epoch: Timestamp) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// How long each request takes, on the sandbox's clock (on a manual one, in real time). The default is nothing.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// How long jobs take.
    pub fn job_times(mut self, times: JobTimes) -> Self {
        self.settings.times = times;
        self
    }

    /// Jobs are over in the moment in which they are accepted.
    pub fn instant_jobs(self) -> Self {
        self.job_times(JobTimes::INSTANT)
    }

    /// The credit that each account opens with, in US dollars. The default is 2.
    pub fn starting_balance(mut self, usd: f64) -> Self {
        self.settings.starting_balance = Usd::from_dollars(usd);
        self
    }

    /// The vendors. The default has three.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// How long a link works. The default is 15 minutes.
    pub fn link_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.link_lifetime = lifetime;
        self
    }

    /// How many days a clip is kept if nothing else is asked for. The default is 30.
    pub fn retention_days(mut self, days: u32) -> Self {
        self.settings.retention_days = days;
        self
    }

    /// Answers the bare result instead of an envelope with it. Errors keep the envelope.
    pub fn bare_results(mut self, bare: bool) -> Self {
        self.settings.bare_results = bare;
        self
    }

    /// Refuses a request to the file host that carries an `Authorization` header.
    pub fn strict_files(mut self, strict: bool) -> Self {
        self.settings.strict_files = strict;
        self
    }

    /// Renders a clip when its job is accepted, instead of when its file is first asked for. The default is to do so
    /// on sockets with a clock that runs.
    pub fn prerender(mut self, prerender: bool) -> Self {
        self.prerender = Some(prerender);
        self
    }

    /// Adds a fault rule.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Adds fault rules, such as those that [`Fault::from_toml`] reads.
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// Starts with a scenario. What it names holds in place of the builder's settings, whatever the order of the calls;
    /// its fault rules come after the builder's.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = Some(scenario);
        self
    }

    /// How much the journal keeps.
    pub fn journal_limits(mut self, limits: JournalLimits) -> Self {
        self.journal = limits;
        self
    }

    /// Takes files from a function instead of rendering them: for tests that do not look at the picture. It may block.
    pub fn clip_source(mut self, source: impl Fn(&ClipRequest) -> ClipFiles + Send + Sync + 'static) -> Self {
        self.source = Arc::new(move |request| Ok(source(request)));
        self
    }

    /// What callers may send, and how long they may take. It counts for sockets; see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address to listen on. The default is 127.0.0.1; 0.0.0.0 and `::` are all addresses of this machine.
    ///
    /// Requests may name this address, or any address if it is all addresses, and loopback. To be called by another name,
    /// it needs a public URL with that name.
    ///
    /// A sandbox that other machines can reach needs an [admin token](SandboxBuilder::admin_token), and a
    /// [public URL](SandboxBuilder::public_url) if it listens on all addresses: its links lead to 127.0.0.1 otherwise.
    /// It has no encryption, and whoever finds out its seed can foretell its ids and sign links.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.reach.host = host;
        self
    }

    /// The token that each call to `/__sandbox/` has to send as `Authorization: Bearer TOKEN`, from wherever it comes:
    /// at least 16 visible ASCII characters. Without one, those routes answer on loopback alone.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.reach.admin_token = Some(token.into());
        self
    }

    /// Whether other machines can reach the sandbox as it is set up, and it has no admin token yet.
    pub fn needs_admin_token(&self) -> bool {
        self.reach.needs_admin_token()
    }

    /// Where callers reach the API, if not at the address that it listens on: a scheme, a host and maybe a port.
    /// [`Handle::base_url`] and `checkout_url` have it.
    ///
    /// Without a [public URL for files](SandboxBuilder::public_files_url), links lead to the same host, at the port that
    /// the file host listens on. Requests may name this host, and no other name but those of loopback. With a host that is
    /// not on loopback an admin token is needed, for behind a proxy every
    /// caller seems to come from this machine.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.reach.public_url = Some(url.into());
        self
    }

    /// Where callers reach the file host, if not at the address that it listens on. Links lead there.
    pub fn public_files_url(mut self, url: impl Into<String>) -> Self {
        self.reach.public_files_url = Some(url.into());
        self
    }

    /// The port of the API. The default is one that the system chooses.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The port of the file host. The default is one that the system chooses.
    pub fn file_port(mut self, port: u16) -> Self {
        self.file_port = port;
        self
    }

    /// Keeps the state in a directory, so that a sandbox that is started on it later goes on where this one was left:
    /// stopped, killed, or cut off from power.
    ///
    /// Whatever an answer tells of is on the disk before the answer leaves. Jobs, money, idempotency keys, deletions
    /// and finished clips are kept, and the time: a real clock is never behind what it was, and the others go on
    /// where they were. Ids, cursors, links and clips follow from the seed, which is kept too. Requests, fault rules
    /// and settings are not kept; links lead to the port of the file host, so choose one with
    /// [`SandboxBuilder::file_port`] if they are to outlast a restart.
    ///
    /// It holds for [`SandboxBuilder::start`] alone: [`SandboxBuilder::router`] keeps nothing. If the disk can take no
    /// more, every request is answered with 503 until the sandbox is started again.
    #[cfg(feature = "persist")]
    pub fn persist(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Starts the sandbox on two sockets.
    ///
    /// # Errors
    /// If a port is taken, a public URL is not one, or other machines could reach the sandbox and it has no admin token.
    /// If the directory of `persist` is in use, or holds what can not be read or belongs to another seed.
    pub async fn start(mut self) -> Result<Sandbox, StartError> {
        self.reach.check()?;
        let ground = self.ground().await?;
        let (api_socket, api_address) = self.reach.listen(self.port).await?;
        let (file_socket, file_address) = self.reach.listen(self.file_port).await?;
        let (api_base, file_base) = self.reach.bases(api_address, file_address);
        self.settings.prerender = self.prerender.unwrap_or_else(|| self.clock.runs());
        let (library, unfinished) = ground.library()?;
        let app = self.app(api_base, file_base, ground, Hands::pool(), library);
        if app.settings().prerender {
            unfinished.into_iter().for_each(|scene| app.studio.prepare(scene));
        }
        let api = (api_socket, api_address, HostService::api(&app));
        let files = (file_socket, file_address, HostService::files(&app));
        Ok(Sandbox::run(Handle::new(app), api, files))
    }

    /// Makes the sandbox as a service without a socket, for simulations under a paused clock. Its base URLs are names
    /// under `.invalid`.
    ///
    /// Nothing in it depends on the system's time, on threads or on chance: with a clock that is paused or turned by
    /// hand, the same requests in the same order give the same answers to the byte. A clip is therefore made in the
    /// caller's own turn, and holds up its thread; [`SandboxBuilder::clip_source`] makes that short.
    pub fn router(mut self) -> SandboxRouter {
        self.settings.prerender = self.prerender.unwrap_or(false);
        let ground = Ground::fresh(
            self.seed.unwrap_or(DEFAULT_SEED),
            self.settings().starting_balance,
            self.epoch.unwrap_or(FIXED_EPOCH),
        );
        let (api, files) = (API_HOST.to_owned(), FILE_HOST.to_owned());
        SandboxRouter::new(self.app(api, files, ground, Hands::Caller, None))
    }

    /// What the sandbox is to start from.
    async fn ground(&self) -> Result<Ground, StartError> {
        let opening = self.settings().starting_balance;
        let seed = self.seed.unwrap_or(DEFAULT_SEED);
        #[cfg(feature = "persist")]
        if let Some(directory) = &self.directory {
            let opened = Durable::open(directory, self.seed.map(|seed| seed.0), seed.0, opening).await?;
            return Ok(Ground::of(opened, self.clock, self.epoch));
        }
        let epoch = self.epoch.unwrap_or_else(|| self.clock.default_epoch());
        Ok(Ground::fresh(seed, opening, epoch))
    }

    /// The settings at first: the builder's, and over them the scenario's.
    fn settings(&self) -> Settings {
        self.scenario.as_ref().map_or(self.settings, |scenario| scenario.over(self.settings))
    }

    fn app(
        self,
        api_base: String,
        file_base: String,
        ground: Ground,
        hands: Hands,
        library: Option<Library>,
    ) -> Arc<App> {
        let settings = self.settings();
        let mut faults = self.faults;
        faults.extend(self.scenario.iter().flat_map(|scenario| scenario.faults().iter().cloned()));
        let Ground { seed, state, epoch, first_number, durable } = ground;
        Arc::new(App {
            seed,
            clock: ClockHandle::start(self.clock, epoch, durable.clone()),
            base_settings: self.settings,
            settings: RwLock::new(settings),
            api_base,
            file_base,
            limits: self.limits,
            gate: self.reach.gate(),
            allowed_hosts: self.reach.allowed_hosts(),
            store: Store::new(state, durable),
            catalogue: RwLock::new(self.catalogue),
            cursors: Cursors::new(seed),
            links: Links::new(seed, first_number),
            faults: Faults::new(seed, faults),
            journal: Journal::new(self.journal),
            studio: Studio::new(self.source, hands, CLIP_CACHE, library),
            first_request: first_number,
            requests: AtomicU64::new(first_number),
        })
    }
}
