//! The settings that the service goes by, and how they are read anew while it runs.
//!
//! A connection whose file is broken keeps the settings that it had; one that never had any is left out until its
//! file is in order. Runs under way keep those that they began with.

use super::state::Service;
use crate::sync::World;
use integrator_core::plugin::PluginSource;
use integrator_core::settings::{Diagnostic, Settings, SettingsError, connection_of};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How many files of a folder are looked at: whoever has more asks for a reload.
const FILES: usize = 10_000;

/// Settings, read.
pub struct Loaded {
    /// Those in order.
    pub settings: Settings,
    /// What is wrong with the others.
    pub problems: Vec<Diagnostic>,
    /// Finds plugins.
    pub plugins: Arc<dyn PluginSource>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// Reads settings.
pub trait Loader: Send + Sync {
    /// Reads them as they are now. May block.
    fn load(&self) -> Result<Loaded, SettingsError>;

    /// The settings folder, whose files are watched.
    fn folder(&self) -> &Path;
}

/// The settings as they are now.
pub(super) struct Live {
    loader: Arc<dyn Loader>,
    now: RwLock<Now>,
    /// Turns when they were read anew.
    changed: watch::Sender<u64>,
}

struct Now {
    world: World,
    problems: Arc<Vec<Diagnostic>>,
}

impl Live {
    pub(super) fn new(world: &World, first: Loaded, loader: Arc<dyn Loader>) -> Self {
        let world = world.reloaded(Arc::new(first.settings), first.plugins);
        let now = Now { world, problems: Arc::new(first.problems) };
        Self { loader, now: RwLock::new(now), changed: watch::Sender::new(0) }
    }

    /// The world with the settings of now.
    pub(super) fn world(&self) -> World {
        self.now.read().unwrap_or_else(PoisonError::into_inner).world.clone()
    }

    /// What is wrong with the files.
    pub(super) fn problems(&self) -> Arc<Vec<Diagnostic>> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner).problems)
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Reads them anew. Blocks.
    fn reload(&self) {
        let old = self.world();
        let (world, problems) = match self.loader.load() {
            Ok(mut loaded) => {
                keep_old(&mut loaded, &old.settings);
                (old.reloaded(Arc::new(loaded.settings), loaded.plugins), loaded.problems)
            }
            Err(error) => (old, error.diagnostics),
        };
        for problem in &problems {
            tracing::error!(file = %problem.file, "{problem}");
        }
        if problems.is_empty() {
            tracing::info!("the settings were read anew");
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) =
            Now { world, problems: Arc::new(problems) };
        self.changed.send_modify(|changes| *changes += 1);
    }
}

/// Puts in the settings that a connection had where its file is broken now.
fn keep_old(loaded: &mut Loaded, old: &Settings) {
    let known = |settings: &Settings, id: &str| settings.connections.iter().any(|one| one.id == id);
    let mut kept = Vec::new();
    for id in loaded.problems.iter().filter_map(|problem| connection_of(&problem.file)) {
        if known(&loaded.settings, id) || kept.contains(&id) {
            continue;
        }
        if let Some(connection) = old.connections.iter().find(|one| one.id == id) {
            loaded.settings.connections.push(connection.clone());
            kept.push(id);
        }
    }
    loaded.settings.connections.sort_by(|one, other| one.id.cmp(&other.id));
}

/// Reads the settings anew whenever their files have changed, or when asked to.
pub(super) async fn follow(
    service: Arc<Service>,
    mut asked: watch::Receiver<u64>,
    mut closed: watch::Receiver<bool>,
) {
    let look = |service: &Arc<Service>| {
        let folder = service.live.loader.folder().to_owned();
        async move { tokio::task::spawn_blocking(move || seen(&folder)).await.unwrap_or_default() }
    };
    let mut known = look(&service).await;
    loop {
        let told = tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            told = asked.changed() => told.is_ok(),
            () = tokio::time::sleep(LOOK) => false,
        };
        let now = look(&service).await;
        if !told && now == known {
            continue;
        }
        // An editor may still be writing: what follows shortly is read with it.
        if !told && look(&service).await != now {
            continue;
        }
        known = now;
        let service = Arc::clone(&service);
        let _ = tokio::task::spawn_blocking(move || service.live.reload()).await;
    }
}

/// The files of a settings folder, each with what changes when it is written.
fn seen(folder: &Path) -> Vec<(PathBuf, Option<SystemTime>, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("connections"), folder.join("plugins"), folder.to_owned()];
    while let Some(one) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&one) else { continue };
        for entry in entries.flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_file() && found.len() < FILES {
                found.push((entry.path(), about.modified().ok(), about.len()));
            }
        }
    }
    found.sort();
    found
}
