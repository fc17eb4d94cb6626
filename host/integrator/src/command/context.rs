//! What all commands need: the output, the settings folder, and the wiring of a world.

use super::arguments::Globals;
use super::bars::Bars;
use super::failure::Failure;
use super::folder;
use super::logging;
use super::output::Output;
use super::stop;
use crate::secrets::SecretKeeper;
use crate::serve::Frame;
use crate::sync::{Progress, World};
use integrator_core::ports::{SystemClock, TokenKeeper};
use integrator_core::settings::{self, Connection, IntegratorSettings, LogFormat, Settings};
use integrator_engines::library::Library;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::sync::{mpsc, watch};

/// A command's surroundings.
#[derive(Debug)]
pub(super) struct Context {
    globals: Globals,
    output: Output,
    bars: Arc<Bars>,
    stop: OnceLock<watch::Receiver<bool>>,
    /// Set where a service carries the command out.
    service: Option<InService>,
}

/// What a command works with that a service carries out for another process.
#[derive(Debug)]
pub(super) struct InService {
    /// With the service's store and settings, and this command's stop.
    pub(super) world: World,
    /// How the program was called where the command was typed.
    pub(super) program: String,
    /// The folder in which it was typed.
    pub(super) folder: PathBuf,
}

impl Context {
    pub(super) fn new(globals: Globals, output: Output) -> Self {
        let bars = Arc::new(Bars::new(output.chatter));
        Self { globals, output, bars, stop: OnceLock::new(), service: None }
    }

    /// The surroundings of a command that a service carries out: it prints and shows its progress where it was typed.
    pub(super) fn in_service(
        globals: Globals,
        output: Output,
        service: InService,
        frames: mpsc::Sender<Frame>,
    ) -> Self {
        let stop = OnceLock::from(service.world.stop.clone());
        let bars = Arc::new(Bars::elsewhere(frames, Arc::clone(&service.world.progress)));
        Self { globals, output, bars, stop, service: Some(service) }
    }

    pub(super) fn output(&self) -> Output {
        self.output
    }

    pub(super) fn progress(&self) -> &Arc<Bars> {
        &self.bars
    }

    /// The settings folder.
    pub(super) fn folder(&self) -> PathBuf {
        folder::settings_folder(self.globals.config.as_deref())
    }

    /// A path as it was typed, from where this process stands.
    pub(super) fn path(&self, typed: &Path) -> PathBuf {
        self.service.as_ref().map_or_else(|| typed.to_owned(), |service| service.folder.join(typed))
    }

    /// How commands that are printed begin: the program as it was called, and the settings folder where it is not
    /// found by itself.
    pub(super) fn program(&self) -> String {
        if let Some(service) = &self.service {
            return service.program.clone();
        }
        format!(
            "{}{}",
            folder::program(),
            folder::as_argument(&self.folder(), self.globals.config.as_deref())
        )
    }

    /// Begins logging before, or without, settings.
    pub(super) fn begin_logging(&self, format: LogFormat) {
        logging::begin(format, self.globals.verbose, &self.bars);
    }

    /// The checked settings; logging is as they say from here on.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        if let Some(service) = &self.service {
            return Ok((*service.world.settings).clone());
        }
        self.settings_of(&self.folder())
    }

    /// What all connections share, without looking at the connections.
    pub(super) fn integrator(&self) -> Result<IntegratorSettings, Failure> {
        let folder = self.settings_folder()?;
        let loaded = settings::load_integrator(&folder)?;
        self.begin_logging(loaded.log_format);
        Ok(loaded)
    }

    /// The data folder, whatever else is wrong with the settings.
    pub(super) fn data_folder(&self) -> Result<PathBuf, Failure> {
        let folder = self.settings_folder()?;
        self.begin_logging(LogFormat::Text);
        Ok(settings::data_folder(&folder)?)
    }

    /// The settings folder, if it is one.
    pub(super) fn settings_folder(&self) -> Result<PathBuf, Failure> {
        let folder = self.folder();
        no_settings(&folder)?;
        Ok(folder)
    }

    /// The same of another folder.
    pub(super) fn settings_of(&self, folder: &Path) -> Result<Settings, Failure> {
        no_settings(folder)?;
        let loaded = settings::load(folder)?;
        self.begin_logging(loaded.integrator.log_format);
        Ok(loaded)
    }

    /// Turns true with Ctrl-C, from the first call on.
    pub(super) fn stop(&self) -> watch::Receiver<bool> {
        self.stop.get_or_init(stop::listen).clone()
    }

    /// A world: settings, clock, secrets, plugins, progress, and Ctrl-C.
    pub(super) fn world(&self, settings: Settings) -> World {
        if let Some(service) = &self.service {
            let progress = Arc::clone(&self.bars) as Arc<dyn Progress>;
            let world = &service.world;
            return world.for_one(world.stop.clone(), progress).with_settings(settings);
        }
        self.world_of(&self.folder(), settings)
    }

    /// The same of another settings folder.
    pub(super) fn world_of(&self, folder: &Path, settings: Settings) -> World {
        let plugins = Library::open(folder, &plugin_cache(&settings.integrator));
        let keeper = Arc::new(SecretKeeper::new(&settings.integrator.data));
        let tokens = Arc::clone(&keeper) as Arc<dyn TokenKeeper>;
        let progress = Arc::clone(&self.bars) as Arc<dyn Progress>;
        World::new(Arc::new(settings), Arc::new(SystemClock), keeper, tokens, progress, self.stop())
            .with_plugins(Arc::new(plugins))
    }
}

/// Where compiled code of plugins is kept, and the files that were accepted last. Its owner's alone.
pub(super) fn plugin_cache(settings: &IntegratorSettings) -> PathBuf {
    settings.data.join("cache").join("plugins")
}

fn no_settings(folder: &Path) -> Result<(), Failure> {
    if folder.join(folder::INTEGRATOR).exists() {
        return Ok(());
    }
    let program = folder::program();
    Err(Failure::usage(format!("there are no settings in {}", folder.display())).hint(format!(
        "`{program} init` writes them; `--config DIR` names another folder; `{program} demo` needs none"
    )))
}

/// The connection of that file name, else of that display name.
pub(super) fn connection<'a>(settings: &'a Settings, name: &str) -> Result<&'a Connection, Failure> {
    let all = &settings.connections;
    let found = all.iter().find(|one| one.id == name).or_else(|| all.iter().find(|one| one.name == name));
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
        Failure::usage(format!("there is no connection `{name}`"))
            .hint(format!("the folder `connections` holds: {}", known.join(", ")))
    })
}
