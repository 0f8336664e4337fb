//! The builder of sandboxes.

use std::fmt;
use std::net::IpAddr;
#[cfg(feature = "persist")]
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::app_state::AppState;
use crate::clips::clip_cache::{ClipCache, Executor};
use crate::clips::clip_store::ClipStore;
use crate::clips::default_source;
use crate::clips::links::Links;
use crate::clips::source::{ClipFiles, ClipRequest, ClipSource};
use crate::clock::{Clock, ClockHandle, FIXED_EPOCH};
use crate::faults::scenario::Scenario;
use crate::faults::{Fault, Faults};
use crate::handle::Handle;
use crate::http::router::{HostService, SandboxRouter};
use crate::http::server::Sandbox;
use crate::model::catalogue::Catalogue;
use crate::model::cursor::Cursors;
use crate::model::ids::Seed;
use crate::model::job_times::JobTimes;
use crate::model::money::Usd;
use crate::model::settings::Settings;
use crate::model::time::timestamp;
use crate::network::limits::Limits;
use crate::network::settings::{NetworkSettings, StartError};
use crate::quirks::Quirk;
use crate::quirks::first_calls::FirstCalls;
use crate::start::InitialState;
#[cfg(feature = "persist")]
use crate::store::Durable;
use crate::store::Store;
use crate::store::journal::{Journal, JournalLimits, RequestObserver, Seen};

const DEFAULT_SEED: Seed = Seed(7);

/// The size of the clip cache in bytes.
const CLIP_CACHE: usize = 256 * 1024 * 1024;

/// The hosts of a sandbox without sockets. Names under `.invalid` never resolve.
const API_HOST: &str = "https://api.sandbox.invalid";
const FILE_HOST: &str = "https://files.sandbox.invalid";

/// The settings of a sandbox. Each has a default, so that `Sandbox::builder().start().await` is enough.
#[must_use = "a builder does nothing until `start` or `router` is called"]
pub struct SandboxBuilder {
    /// `None`: the default, or the stored one.
    seed: Option<Seed>,
    clock: Clock,
    epoch: Option<Timestamp>,
    settings: Settings,
    catalogue: Catalogue,
    faults: Vec<Fault>,
    scenario: Option<Scenario>,
    journal: JournalLimits,
    on_request: Option<RequestObserver>,
    source: ClipSource,
    prerender: Option<bool>,
    limits: Limits,
    network: NetworkSettings,
    port: u16,
    file_port: u16,
    #[cfg(feature = "persist")]
    directory: Option<PathBuf>,
}

impl Sandbox {
    /// Returns a builder with the default settings.
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
            on_request: None,
            source: default_source(),
            prerender: None,
            limits: Limits::default(),
            network: NetworkSettings::default(),
            port: 0,
            file_port: 0,
            #[cfg(feature = "persist")]
            directory: None,
        }
    }
}

impl SandboxBuilder {
    /// The seed of ids, signatures, probabilities and clips. The default is 7, or the seed that a directory has.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(Seed(seed));
        self
    }

    /// How time passes. The default is [`Clock::real`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The initial time of the clock. The default is the system time on sockets with a running clock, and
    /// 2026-01-01T00:00:00Z otherwise. A time after the year 9999 is the end of that year.
    ///
    /// ```
    /// use infrai_video_sandbox::Sandbox;
    /// use std::time::{Duration, SystemTime};
    ///
    /// // 2026-01-01T00:00:00Z
    /// const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);
    /// let builder = Sandbox::builder().epoch(SystemTime::UNIX_EPOCH + NEW_YEAR);
    /// # let _ = builder;
    /// ```
    pub fn epoch(mut self, epoch: SystemTime) -> Self {
        self.epoch = Some(timestamp(epoch));
        self
    }

    /// The latency of each request, on the sandbox's clock (with a manual clock, in real time). The default is 0.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// The durations of jobs.
    pub fn job_times(mut self, times: JobTimes) -> Self {
        self.settings.times = times;
        self
    }

    /// Jobs finish at the moment they are accepted.
    pub fn instant_jobs(self) -> Self {
        self.job_times(JobTimes::INSTANT)
    }

    /// The starting balance of each account in US dollars. The default is 2.
    pub fn starting_balance(mut self, usd: f64) -> Self {
        self.settings.starting_balance = Usd::from_dollars(usd);
        self
    }

    /// The vendors. The default has three.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// The lifetime of links. The default is 15 minutes.
    pub fn link_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.link_lifetime = lifetime;
        self
    }

    /// The default retention of clips in days. The default is 30.
    pub fn retention_days(mut self, days: u32) -> Self {
        self.settings.retention_days = days;
        self
    }

    /// Makes the server differ from the contract in one more way.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.settings.quirks.set(quirk, true);
        self
    }

    /// Responds with bare results instead of envelopes. Errors keep the envelope. It is [`Quirk::BareResults`].
    pub fn bare_results(mut self, bare: bool) -> Self {
        self.settings.quirks.set(Quirk::BareResults, bare);
        self
    }

    /// Rejects requests to the file host with an `Authorization` header.
    pub fn strict_files(mut self, strict: bool) -> Self {
        self.settings.strict_files = strict;
        self
    }

    /// Produces a clip when its job is accepted, instead of when its file is first requested. The default is `true` on
    /// sockets with a running clock, and `false` otherwise.
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

    /// Starts with a scenario. Its settings override those of the builder, independent of the order of calls; its fault rules
    /// come after those of the builder.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = Some(scenario);
        self
    }

    /// The size limits of the journal.
    pub fn journal_limits(mut self, limits: JournalLimits) -> Self {
        self.journal = limits;
        self
    }

    /// Takes clips from a function instead of rendering them, for tests that do not check the picture. It may block.
    pub fn clip_source(mut self, source: impl Fn(&ClipRequest) -> ClipFiles + Send + Sync + 'static) -> Self {
        self.source = Arc::new(move |request| Ok(source(request)));
        self
    }

    /// Limits and timeouts of a sandbox on sockets, see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The bind address. The default is 127.0.0.1; 0.0.0.0 and `::` mean all addresses of this machine.
    ///
    /// Requests may name this address (or any address, if it is all addresses) and loopback. Another name needs a public URL
    /// with that name.
    ///
    /// A sandbox that other machines can reach needs an [admin token](SandboxBuilder::admin_token), and a
    /// [public URL](SandboxBuilder::public_url) if it listens on all addresses: otherwise its links lead to 127.0.0.1.
    /// There is no encryption, and whoever knows the seed can predict ids and sign links.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.network.host = host;
        self
    }

    /// The token that every call to `/__sandbox/` must send as `Authorization: Bearer TOKEN`: at least 16 visible ASCII
    /// characters. Without a token, those routes can be called from loopback only.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.network.admin_token = Some(token.into());
        self
    }

    /// Whether other machines can reach the sandbox with these settings, and it has no admin token yet.
    pub fn needs_admin_token(&self) -> bool {
        self.network.needs_admin_token()
    }

    /// The URL under which callers reach the API, if it differs from the bind address: scheme, host and optional port.
    /// [`Handle::base_url`] and `checkout_url` use it.
    ///
    /// Without a [public URL for files](SandboxBuilder::public_files_url), links lead to the same host at the port of the file
    /// host. Requests may name this host, and no other name except those of loopback. A host that is not on loopback
    /// requires an admin token, since behind a proxy all requests seem to come from this machine.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.network.public_url = Some(url.into());
        self
    }

    /// The URL under which callers reach the file host, if it differs from the bind address. Links lead there.
    pub fn public_files_url(mut self, url: impl Into<String>) -> Self {
        self.network.public_files_url = Some(url.into());
        self
    }

    /// Allows web pages of an origin, such as `https://app.example`, to call the API and the file host from a browser (CORS).
    /// Pages on loopback are always allowed, and no page may call the admin API.
    ///
    /// `null` is the origin of a page that was opened as a file, but any website can make a page of this origin too.
    pub fn cors_origin(mut self, origin: impl Into<String>) -> Self {
        self.network.cors_origins.push(origin.into());
        self
    }

    /// Calls a function with each request, as it is in the [journal](Handle::journal), once its response is decided or its
    /// caller has given up; also with requests that were rejected because of their `Host` or `Origin`. It must not block.
    pub fn on_request(mut self, observer: impl Fn(&Seen) + Send + Sync + 'static) -> Self {
        self.on_request = Some(Arc::new(observer));
        self
    }

    /// The port of the API. By default the system chooses one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The port of the file host. By default the system chooses one.
    pub fn file_port(mut self, port: u16) -> Self {
        self.file_port = port;
        self
    }

    /// Stores the state in a directory, so that a sandbox that is started on it later continues where this one was stopped,
    /// killed, or lost power.
    ///
    /// A response is sent only after every change it can reveal has been synced to disk. Stored are jobs, money, idempotency
    /// keys, deletions, finished clips, and the time: a real clock never goes backwards, other clocks continue where they
    /// were. Ids, cursors, links and clips follow from the seed, which is stored too. Requests, fault rules and settings are
    /// not stored. Links lead to the port of the file host: set one with [`SandboxBuilder::file_port`] if they should
    /// survive a restart.
    ///
    /// It applies only to [`SandboxBuilder::start`]: [`SandboxBuilder::router`] stores nothing. If the disk is full, every
    /// request gets 503 until the sandbox is restarted.
    #[cfg(feature = "persist")]
    pub fn persist(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Starts the sandbox on two sockets.
    ///
    /// # Errors
    /// If a port is taken, a public URL is invalid, or other machines could reach the sandbox and it has no admin token. If
    /// the directory of `persist` is in use, cannot be read, or belongs to another seed.
    pub async fn start(mut self) -> Result<Sandbox, StartError> {
        self.network.check()?;
        let initial = self.initial_state().await?;
        let (api_socket, api_address) = self.network.listen("port", self.port).await?;
        let (file_socket, file_address) = self.network.listen("file_port", self.file_port).await?;
        let (api_base, file_base) = self.network.bases(api_address, file_address);
        self.settings.prerender = self.prerender.unwrap_or_else(|| self.clock.runs());
        let (store, unfinished) = initial.clip_store()?;
        let app = self.app_state((api_base, file_base), initial, Executor::pool(), store);
        if app.settings().prerender {
            unfinished.into_iter().for_each(|request| app.clips.prepare(request));
        }
        let api = (api_socket, api_address, HostService::api(&app));
        let files = (file_socket, file_address, HostService::files(&app));
        Ok(Sandbox::run(Handle::new(app), api, files))
    }

    /// Returns the sandbox as a service without a socket, for simulations under a paused clock. Its base URLs are names
    /// under `.invalid`.
    ///
    /// Nothing in it depends on the system time, on threads or on chance: with a paused or manual clock, the same requests in
    /// the same order give byte-identical responses. Therefore a clip is produced on the thread of the caller and blocks it;
    /// [`SandboxBuilder::clip_source`] makes that short.
    pub fn router(mut self) -> SandboxRouter {
        self.settings.prerender = self.prerender.unwrap_or(false);
        let initial = InitialState::empty(
            self.seed.unwrap_or(DEFAULT_SEED),
            self.settings().starting_balance,
            self.epoch.unwrap_or(FIXED_EPOCH),
        );
        let bases = (API_HOST.to_owned(), FILE_HOST.to_owned());
        SandboxRouter::new(self.app_state(bases, initial, Executor::Caller, None))
    }

    /// Loads the initial state.
    async fn initial_state(&self) -> Result<InitialState, StartError> {
        let opening = self.settings().starting_balance;
        let seed = self.seed.unwrap_or(DEFAULT_SEED);
        #[cfg(feature = "persist")]
        if let Some(directory) = &self.directory {
            let opened = Durable::open(directory, self.seed.map(|seed| seed.0), seed.0, opening).await?;
            return Ok(InitialState::loaded(opened, self.clock, self.epoch));
        }
        let epoch = self.epoch.unwrap_or_else(|| self.clock.default_epoch());
        Ok(InitialState::empty(seed, opening, epoch))
    }

    /// The initial settings: those of the builder, overridden by the scenario.
    fn settings(&self) -> Settings {
        self.scenario.as_ref().map_or(self.settings, |scenario| scenario.over(self.settings))
    }

    fn app_state(
        self,
        (api_base, file_base): (String, String),
        initial: InitialState,
        executor: Executor,
        clip_store: Option<ClipStore>,
    ) -> Arc<AppState> {
        let settings = self.settings();
        let mut faults = self.faults;
        faults.extend(self.scenario.iter().flat_map(|scenario| scenario.faults().iter().cloned()));
        let InitialState { seed, state, epoch, first_number, durable } = initial;
        Arc::new(AppState {
            seed,
            clock: ClockHandle::start(self.clock, epoch, durable.clone()),
            base_settings: self.settings,
            settings: RwLock::new(settings),
            api_base,
            file_base,
            limits: self.limits,
            admin_auth: self.network.admin_auth(),
            allowed_hosts: self.network.allowed_hosts(),
            allowed_origins: Arc::new(self.network.allowed_origins()),
            on_request: self.on_request,
            store: Store::new(state, durable),
            catalogue: RwLock::new(self.catalogue),
            cursors: Cursors::new(seed),
            links: Links::new(seed, first_number),
            faults: Faults::new(seed, faults),
            first_calls: FirstCalls::default(),
            journal: Journal::new(self.journal),
            clips: ClipCache::new(self.source, executor, CLIP_CACHE, clip_store),
            first_request: first_number,
            requests: AtomicU64::new(first_number),
        })
    }
}

impl fmt::Debug for SandboxBuilder {
    /// Without the admin token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder")
            .field("clock", &self.clock)
            .field("settings", &self.settings)
            .field("faults", &self.faults)
            .field("scenario", &self.scenario)
            .field("port", &self.port)
            .field("file_port", &self.file_port)
            .finish_non_exhaustive()
    }
}
