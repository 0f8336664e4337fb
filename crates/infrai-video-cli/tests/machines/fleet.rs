//! Processes that share a sandbox and a database like machines: each has its own directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use infrai_video::Client;
use infrai_video_sandbox::{ClipFiles, Operation, Sandbox, SandboxBuilder};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};

const KEY: &str = "ifr_pk_proj_4f9d2c";

/// More than any test needs.
const BALANCE: f64 = 100_000.0;

/// What all processes share.
pub(crate) struct Fleet {
    pub(crate) sandbox: Sandbox,
    pub(crate) directory: TempDir,
    /// The value of `INFRAI_LEDGER`.
    pub(crate) ledger: String,
}

impl Fleet {
    /// Clips are real, differ from each other, and need no rendering.
    pub(crate) async fn new(builder: SandboxBuilder, ledger: String) -> Self {
        let clip = clip().await;
        let builder = builder.starting_balance(BALANCE).clip_source(move |request| ClipFiles {
            mp4: [&clip[..], &free_box(&request.prompt)].concat(),
            thumbnail_jpeg: Vec::new(),
        });
        let sandbox = builder.start().await.expect("loopback has free ports");
        Self { sandbox, directory: tempfile::tempdir().unwrap(), ledger }
    }

    /// Lets the processes connect to the database over TCP. The server itself listens on its socket only.
    pub(crate) async fn connect_over_tcp(&mut self) {
        let (_, host) = self.ledger.split_once("host=").unwrap();
        let directory = host.split('&').next().unwrap().to_owned();
        let socket = Path::new(&directory).join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        self.ledger = self.ledger.replace(&directory, "127.0.0.1").replace("5432", &port.to_string());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let socket = socket.clone();
                tokio::spawn(async move {
                    let mut server = UnixStream::connect(socket).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a plan with a clip for each number.
    pub(crate) fn plan(&self, file: &str, scenes: impl IntoIterator<Item = usize>) {
        let line = |scene| {
            format!("{{\"prompt\": \"scene {scene}\", \"duration_seconds\": 0.5, \"name\": \"s{scene}\"}}\n")
        };
        let parent = self.path(file);
        std::fs::create_dir_all(parent.parent().unwrap()).unwrap();
        std::fs::write(parent, scenes.into_iter().map(line).collect::<String>()).unwrap();
    }

    /// The command before it is started.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infrai-video"));
        command
            .args(args)
            .env_clear()
            .env("INFRAI_CONFIG", "none")
            .env("INFRAI_API_KEY", KEY)
            .env("INFRAI_BASE_URL", self.sandbox.base_url())
            .env("INFRAI_LEDGER", &self.ledger)
            .env("INFRAI_STATE_DIR", self.path("state"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.command(args).output().expect("the command starts")
    }

    /// Starts a command. PostgreSQL and the file with its stderr use the name.
    pub(crate) fn start(&self, name: &str, args: &[&str]) -> Worker {
        let log = self.path(&format!("{name}.log"));
        let stderr = std::fs::File::create(&log).unwrap();
        let mut command = self.command(args);
        command.env("INFRAI_LEDGER", format!("{}&application_name={name}", self.ledger));
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("the command starts");
        Worker { child, log }
    }

    /// The number of submissions.
    pub(crate) fn requests(&self) -> usize {
        self.sandbox.journal().iter().filter(|seen| seen.operation == Some(Operation::Generate)).count()
    }

    /// The number of charges. Checks that no job was charged twice.
    pub(crate) fn charges(&self) -> usize {
        let ledger = self.sandbox.ledger();
        assert_eq!(ledger.double_charges(), 0);
        ledger.charges().count()
    }
}

/// A process that is killed when this is dropped.
pub(crate) struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success(), "{signal} cannot be sent");
    }

    /// With SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its stderr so far.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it exits. Returns its exit code and its stderr.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.stderr())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone = self.child.wait();
    }
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A real clip.
async fn clip() -> Vec<u8> {
    let sandbox = Sandbox::builder().instant_jobs().start().await.expect("loopback has free ports");
    let client = Client::builder(KEY).with_base_url(sandbox.base_url()).build().unwrap();
    let job = client.generate("a clip").duration_seconds(0.5).submit().await.unwrap();
    sandbox.clip_bytes(job.id()).await.unwrap().to_vec()
}

/// A box that players ignore.
fn free_box(text: &str) -> Vec<u8> {
    let length = u32::try_from(8 + text.len()).unwrap();
    [&length.to_be_bytes()[..], b"free", text.as_bytes()].concat()
}
