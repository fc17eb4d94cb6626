//! One world: both simulators, a settings folder and an empty data folder, and the program run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{Halo, HaloOptions, HaloState};
use integrator_simulators::microsoft::{Microsoft, MicrosoftOptions};
use integrator_simulators::server::{LoggedRequest, ServeOptions, TlsFiles};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::binary;
use crate::settings::{self, Overrides};

/// The connection that every world has.
pub const CONNECTION: &str = "contoso";

/// What a world is made of.
#[derive(Debug, Default)]
pub struct WorldOptions {
    /// The devices and users in Intune; none: an empty tenant.
    pub fleet: Option<Fleet>,
    /// The tenant's habits.
    pub microsoft: MicrosoftOptions,
    /// Halo's habits and its seed.
    pub halo: HaloOptions,
    /// Changes to the base settings.
    pub settings: Overrides,
    /// How Halo is served.
    pub transport: Transport,
}

/// How a simulated Halo is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Plainly.
    #[default]
    Http,
    /// Over https, by an authority that nobody trusts yet; its certificate is `ca.pem` in the settings folder.
    Https,
}

/// A running world. Everything in it ends when it is dropped.
#[derive(Debug)]
pub struct World {
    /// Intune.
    pub microsoft: Microsoft,
    /// Halo.
    pub halo: Halo,
    overrides: Overrides,
    environment: BTreeMap<String, String>,
    folder: TempDir,
    // Last: the servers live in it.
    runtime: Runtime,
}

impl World {
    /// Starts both simulators and writes the settings folder.
    pub fn start(options: WorldOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let fleet = options.fleet.unwrap_or_else(|| Fleet::of(Vec::new()));
        let tls = (options.transport == Transport::Https)
            .then(|| TlsFiles { ca_certificate: folder.path().join("ca.pem") });
        let halo_serve = ServeOptions { tls, ..ServeOptions::default() };
        let (microsoft, halo) = runtime.block_on(async {
            let microsoft = Microsoft::start(fleet, options.microsoft.clone(), ServeOptions::default());
            let halo = Halo::start(options.halo.clone(), halo_serve);
            (microsoft.await.expect("Microsoft can start"), halo.await.expect("Halo can start"))
        });
        let environment = BTreeMap::from([
            ("HALO_SECRET".to_owned(), options.halo.client_secret),
            ("MICROSOFT_SECRET".to_owned(), options.microsoft.secret),
        ]);
        let world = Self { microsoft, halo, overrides: options.settings, environment, folder, runtime };
        world.write_settings();
        world
    }

    /// A world of this fleet with everything else as usual.
    pub fn of(fleet: Fleet) -> Self {
        Self::start(WorldOptions { fleet: Some(fleet), ..WorldOptions::default() })
    }

    /// Changes the settings from now on.
    pub fn change_settings(&mut self, integrator: &str, connection: &str) {
        self.overrides = std::mem::take(&mut self.overrides).and(integrator, connection);
        self.write_settings();
    }

    /// Changes files of the folder `plugins`, with the next change of the settings.
    pub fn change_plugins(&mut self, files: &BTreeMap<String, String>) {
        self.overrides = std::mem::take(&mut self.overrides).with_plugins(files);
    }

    fn write_settings(&self) {
        settings::write(self.folder(), &self.microsoft.address(), &self.halo.address(), &self.overrides);
    }

    /// Sets a variable of the program's environment from now on.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// The settings folder; also the folder that the program runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The program with these arguments, ready to run in this world.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary::path());
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .env("NO_COLOR", "1")
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Needed by every program on Windows.
        for name in ["SystemRoot", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs the program with `--json` to its end. Both sides' logs begin anew with it.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.microsoft.log().reset();
        self.halo.log().reset();
        let arguments: Vec<&str> = ["--json"].into_iter().chain(arguments.iter().copied()).collect();
        let output = self.command(&arguments).output().expect("the program can be started");
        Run::of(&output)
    }

    /// Runs the program with these words as people do, without `--json`.
    pub fn say(&self, line: &str) -> Run {
        self.microsoft.log().reset();
        self.halo.log().reset();
        let words: Vec<&str> = line.split_whitespace().collect();
        Run::of(&self.command(&words).output().expect("the program can be started"))
    }

    /// Runs the program with `--json` and these words as arguments.
    pub fn words(&self, line: &str) -> Run {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Imports the connection.
    pub fn import(&self) -> Run {
        self.run(&["import", CONNECTION])
    }

    /// Starts an import that the caller ends.
    pub fn start_import(&self) -> Child {
        let mut command = self.command(&["--json", "import", CONNECTION]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program can be started")
    }

    /// What Halo was asked to write since the last run began: every POST but those of the sign-in.
    pub fn writes(&self) -> Vec<LoggedRequest> {
        let entries = self.halo.log().entries();
        let is_write =
            |entry: &LoggedRequest| entry.method != "GET" && !entry.path_and_query.ends_with("/auth/token");
        entries.into_iter().filter(is_write).collect()
    }

    /// A plan of the store, line by line: header, steps and what else there is, footer.
    pub fn plan(&self, id: &str) -> Vec<Value> {
        let path = self.data().join("plans").join(format!("{id}.jsonl"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("the plan {} cannot be read: {error}", path.display()));
        text.lines().map(|line| serde_json::from_str(line).expect("a plan's line is JSON")).collect()
    }

    /// Runs something on the servers' runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The end state in Halo without what two equal worlds may differ in: ids and the order of creation.
    pub fn end_state(&self) -> Vec<String> {
        let state: &HaloState = &self.halo.state();
        let mut rows: Vec<String> = state
            .assets()
            .map(|asset| {
                let mut row = state.describe(asset);
                if let Some(row) = row.as_object_mut() {
                    row.remove("id");
                }
                row.to_string()
            })
            .collect();
        rows.sort();
        rows
    }
}

/// What came of running the program once.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// The document on standard output, when there is one.
    pub document: Value,
    /// Standard output as it was.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Reads a finished process.
    pub fn of(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        Self { code: output.status.code(), document, stdout, stderr }
    }

    /// The summary of the first run of an import or an apply, or of a plan; null when there is none.
    pub fn summary(&self) -> &Value {
        match &self.document["runs"][0]["summary"] {
            Value::Null => &self.document["summary"],
            summary => summary,
        }
    }

    /// A count of the summary; 0 when it is absent.
    pub fn count(&self, name: &str) -> u64 {
        self.summary()["counts"][name].as_u64().unwrap_or(0)
    }

    /// The plan's id, when one was made.
    pub fn plan_id(&self) -> Option<&str> {
        self.summary()["plan"].as_str()
    }

    /// The notices of the summary.
    pub fn notices(&self) -> Vec<&str> {
        let notices = self.summary()["notices"].as_array();
        notices.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// All that was said to people: error, hint, notices, diagnostics, and standard error without log lines.
    pub fn said(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for name in ["error", "hint"] {
            if let Some(text) = self.document[name].as_str() {
                lines.push(format!("{name}: {text}"));
            }
        }
        for one in self.document["diagnostics"].as_array().into_iter().flatten() {
            lines.push(match one.as_str() {
                Some(text) => text.to_owned(),
                None => one.to_string(),
            });
        }
        lines.extend(self.notices().into_iter().map(|notice| format!("notice: {notice}")));
        let is_log = |line: &&str| [" WARN ", " INFO ", " DEBUG "].iter().any(|level| line.contains(level));
        // How far a run is depends on how long it takes.
        let is_progress = |line: &&str| {
            ["reading ", "waiting for ", "deciding: ", "writing: "]
                .iter()
                .any(|begin| line.starts_with(begin))
        };
        let asides = self.stderr.lines().filter(|line| !is_log(line) && !is_progress(line));
        lines.extend(asides.map(|line| format!("stderr: {line}")));
        lines.join("\n")
    }

    /// The run, or a panic that shows it, unless it ended with this code.
    // Most callers want the check alone.
    #[allow(clippy::return_self_not_must_use)]
    pub fn must_exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of\n{}\n{}", self.stdout, self.stderr);
        self
    }
}
