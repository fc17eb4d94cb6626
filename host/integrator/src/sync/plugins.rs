//! The plugins of a run: loaded before anything is read, given what they answered in earlier runs, judged by how they
//! do on the whole fleet, and their answers kept.
//!
//! What engine runs a plugin is not known here. The files of answers can always be made anew.

use super::beside::beside;
use super::decide::{Shared, read_rows};
use super::error::SyncError;
use super::spool::{Spool, SpoolRow};
use super::world::World;
use integrator_core::decide::plugins::PluginLog;
use integrator_core::decide::{Answers, Calls, Counting, Knowledge, PluginProblem, PluginSet, decide_asking};
use integrator_core::model::device::Standing;
use integrator_core::plugin::LogLevel;
use integrator_core::settings::Connection;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Rows that are asked about at once.
const STRETCH: usize = 1024;
/// Files of answers that nobody has written for so long are removed.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(60 * 24);

/// Loads what a connection asks. Compiling may take seconds, the first time.
pub(super) async fn load(world: &World, connection: &Connection) -> Result<Arc<PluginSet>, SyncError> {
    if connection.plugin_uses().is_empty() {
        return Ok(Arc::default());
    }
    let (world, connection) = (world.clone(), connection.clone());
    let loaded = tokio::task::spawn_blocking(move || {
        let set = PluginSet::load(&connection, &*world.plugins)
            .map_err(|problems| refused(&connection, &problems))?;
        remember(&set, &world.cache(), &connection);
        Ok(Arc::new(set))
    })
    .await;
    loaded.map_err(|error| SyncError::bug(format!("loading plugins: {error}")))?
}

/// Gives plugins what they answered in earlier runs.
pub(super) fn remember(set: &PluginSet, folder: &Path, connection: &Connection) {
    set.remember(|identity| {
        let bytes = fs::read(place(folder, connection, identity)).ok()?;
        Answers::from_bytes(&bytes, identity)
    });
}

fn refused(connection: &Connection, problems: &[PluginProblem]) -> SyncError {
    let lines: Vec<String> = problems.iter().map(|problem| format!("{problem} ({})", problem.hint)).collect();
    SyncError::settings(
        lines.join("\n"),
        format!(
            "mend the plugin, or the setting in {}; nothing is planned without it",
            connection.file.display()
        ),
    )
}

/// Asks about every device that the sweep could not settle, so that it is known how each plugin does on the whole
/// fleet before anything is planned by its answers.
pub(super) async fn survey(spool: &Arc<Spool>, shared: &Arc<Shared>) -> Result<(), SyncError> {
    let plugins = &shared.rulebook.plugins;
    if plugins.set.is_empty() {
        return Ok(());
    }
    let resolved = &shared.resolved;
    let open: Vec<u32> = resolved
        .order
        .iter()
        .copied()
        .filter(|index| {
            let row = resolved.rows.get(*index as usize);
            row.is_some_and(|row| row.decision == 0 && row.standing == Standing::Live)
        })
        .collect();
    // What only single reads tell is not at hand: who reads that is judged while devices are decided.
    let knowledge = match shared.rulebook.projection.details().next() {
        Some(_) => Knowledge::WithoutDetails,
        None => Knowledge::All,
    };
    for rows in open.chunks(STRETCH) {
        let (rows, spool, shared) = (rows.to_vec(), Arc::clone(spool), Arc::clone(shared));
        let asked = tokio::task::spawn_blocking(move || {
            let mut calls = Calls::new(&shared.rulebook.plugins, Counting::Counted);
            for row in read_rows(&rows, &spool, &shared)? {
                let SpoolRow::Device(device) = row else { continue };
                // Only that it was asked counts here; what it says is decided later.
                let _ = decide_asking(
                    &shared.rulebook,
                    &shared.users,
                    &device,
                    shared.now,
                    knowledge,
                    &mut calls,
                );
                calls.end_device();
            }
            tell(calls.take_log());
            Ok::<(), SyncError>(())
        });
        asked.await.map_err(|error| SyncError::bug(format!("asking plugins: {error}")))??;
    }
    plugins.set.judge();
    Ok(())
}

/// Writes what plugins logged to the program's own log.
pub(super) fn tell(lines: Vec<PluginLog>) {
    for PluginLog { plugin, device, line } in lines {
        match line.level {
            LogLevel::Debug => tracing::debug!(target: "plugin", %plugin, %device, "{}", line.message),
            LogLevel::Info => tracing::info!(target: "plugin", %plugin, %device, "{}", line.message),
            LogLevel::Warn => tracing::warn!(target: "plugin", %plugin, %device, "{}", line.message),
        }
    }
}

/// Keeps new answers for later runs. Without the files the next run asks again, and nothing else.
pub(super) async fn keep(world: &World, connection: &Arc<Connection>, set: &Arc<PluginSet>) {
    if set.is_empty() {
        return;
    }
    let (folder, connection, set) = (world.cache(), Arc::clone(connection), Arc::clone(set));
    let kept = tokio::task::spawn_blocking(move || {
        let files = set.to_keep();
        if files.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        for (identity, bytes) in files {
            write(&place(&folder, &connection, &identity), &bytes)?;
        }
        remove_old(&folder)
    })
    .await;
    if let Ok(Err(error)) = kept {
        tracing::debug!(%error, "the answers of plugins are not kept");
    }
}

/// The file of one plugin's answers about one tenant of a connection: tenants do not take each other's away.
fn place(folder: &Path, connection: &Connection, identity: &[u8; 32]) -> PathBuf {
    let mut hasher = blake3::Hasher::new();
    hasher.update(identity).update(connection.id.as_bytes());
    hasher.update(&[0]).update(connection.microsoft.tenant.as_str().as_bytes());
    let name: String = hasher.finalize().to_hex().chars().take(16).collect();
    folder.join(format!("answers-{name}.index"))
}

fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    // Written beside its place and renamed: a reader sees the old file or the new one.
    let beside = beside(place);
    fs::write(&beside, bytes)?;
    fs::rename(&beside, place)
}

fn remove_old(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with("answers-");
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if is_ours && age > FORGOTTEN_AFTER {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
