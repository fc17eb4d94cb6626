//! `serve`: runs as a service until it is told to stop.

use super::context::{Context, plugin_cache};
use super::failure::Failure;
use super::remote::InProcess;
use crate::serve::{self, Loaded, Loader, Options, ServeError};
use crate::sync::ExitClass;
use clap::Args;
use integrator_core::plugin::PluginSource;
use integrator_core::settings::{self, SettingsError};
use integrator_engines::library::Library;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Listen here instead of at `console.listen`; with port 0 at any free port
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let folder = context.settings_folder()?;
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let loader = Folder(folder);
    let first = loader.load()?;
    context.begin_logging(first.settings.integrator.log_format);
    for problem in &first.problems {
        tracing::error!(file = %problem.file, "{problem}");
    }
    let world = context.world(first.settings.clone());
    let quiet = context.output();
    let program = context.program();
    let ready = move |address: SocketAddr| {
        quiet.advice(&format!("serving at http://{address}; `{program} runs list` shows what it did"));
        notify_system("READY=1");
    };
    let listen = asked.listen.unwrap_or(world.settings.integrator.console_listen);
    if !listen.ip().is_loopback() {
        return Err(Failure::usage(format!("{listen} can be reached from other computers, and nothing there is encrypted"))
            .hint("listen at 127.0.0.1 (`console.listen`, or `serve --listen 127.0.0.1:8460`), and let a proxy with TLS stand before it"));
    }
    let options = Options {
        listen,
        loader: Arc::new(loader),
        carrier: Arc::new(InProcess),
        ready: Arc::new(ready),
        reload: reloads(),
    };
    let mut stop = world.stop.clone();
    let watchdog = tokio::spawn(async move {
        let Some(pause) = watchdog_pause() else { return };
        while tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await.is_err() {
            notify_system("WATCHDOG=1");
        }
        notify_system("STOPPING=1");
    });
    let served = serve::serve(world, first, options).await;
    watchdog.abort();
    served?;
    Ok(ExitClass::Done)
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Store(error) => error.into(),
            ServeError::Listen { .. } => Self::usage(error.to_string())
                .hint("end what else listens there, or set `console.listen` to another port"),
            ServeError::Place(ref place) => Self::file("write", &place.file, &place.source),
        }
    }
}

/// Settings of a folder.
struct Folder(PathBuf);

impl Loader for Folder {
    fn load(&self) -> Result<Loaded, SettingsError> {
        let (settings, problems) = settings::load_usable(&self.0)?;
        let plugins: Arc<dyn PluginSource> =
            Arc::new(Library::open(&self.0, &plugin_cache(&settings.integrator)));
        Ok(Loaded { settings, problems, plugins })
    }

    fn folder(&self) -> &Path {
        &self.0
    }
}

/// Turns with each SIGHUP.
fn reloads() -> watch::Receiver<u64> {
    let (sender, receiver) = watch::channel(0);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::hangup()) {
            Ok(mut hangups) => {
                tokio::spawn(async move {
                    while hangups.recv().await.is_some() {
                        sender.send_modify(|count| *count += 1);
                    }
                });
                return receiver;
            }
            Err(error) => tracing::warn!(%error, "SIGHUP cannot be listened to"),
        }
    }
    // Nobody asks, and nobody hears that: the receiver waits for ever.
    tokio::spawn(async move { sender.closed().await });
    receiver
}

/// Tells systemd, where it started the service (`Type=notify`).
fn notify_system(state: &str) {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
        let address = match path.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&path),
        };
        let sent =
            address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
        if let Err(error) = sent {
            tracing::debug!(%error, "the system could not be told {state}");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = state;
}

/// Half of the time within which systemd wants to hear from the service.
fn watchdog_pause() -> Option<std::time::Duration> {
    let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    (micros > 0).then(|| std::time::Duration::from_micros(micros / 2))
}
