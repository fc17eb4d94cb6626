//! The service: imports what is due, carries out what is asked of it on this computer, and tells how it is.
//!
//! It decides nothing about devices: it calls `sync` as commands do, with one world for all, so that the store and
//! the request budgets are shared. It knows no command line and no settings file: whoever starts it hands it a
//! [`Loader`] and a [`Carrier`].

pub mod client;
mod jobs;
mod live;
mod metrics;
mod notices;
mod observed;
mod place;
mod routes;
mod state;
mod timer;

pub use jobs::{Job, Origin};
pub use live::{Loaded, Loader};
pub use place::{Place, PlaceError};

use crate::store::StoreError;
use crate::sync::{ProgressEvent, World};
use live::Live;
use serde::{Deserialize, Serialize};
use state::Service;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// How long runs are given to come to a step's end when the service stops.
const FAREWELL: Duration = Duration::from_secs(8);

/// A command, as it was typed in another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What was typed, without the program.
    pub args: Vec<String>,
    /// The folder in which it was typed: paths start there.
    pub folder: PathBuf,
    /// How the program was called, for what is printed to be typed next.
    pub program: String,
}

/// What comes back while a command is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frame {
    /// It was begun, by this name.
    Job(String),
    /// For standard output.
    Data(String),
    /// For standard error, without the line's end.
    Aside(String),
    /// How far it is.
    Progress(ProgressEvent),
    /// Its progress is over.
    Clear,
    /// It ended, with this exit code. Nothing follows.
    Exit(u8),
}

/// Carries out commands.
pub trait Carrier: Send + Sync {
    /// Carries one out in this world, which holds its stop and its progress, and returns the exit code. Blocks: it is
    /// called on a thread of its own.
    fn carry_out(&self, runtime: &Handle, asked: Asked, world: World, frames: mpsc::Sender<Frame>) -> u8;
}

/// The service could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder could not be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address could not be listened at.
    #[error("could not listen at {address}: {source}")]
    Listen {
        /// `console.listen`
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The file by which commands find the service could not be written.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

/// How the service is started.
#[derive(Clone)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Reads the settings, now and whenever they change.
    pub loader: Arc<dyn Loader>,
    /// Carries out commands.
    pub carrier: Arc<dyn Carrier>,
    /// Called once, as soon as the service is ready, with its address.
    pub ready: Arc<dyn Fn(SocketAddr) + Send + Sync>,
    /// Turns when the settings are to be read again, besides the times when their files change.
    pub reload: watch::Receiver<u64>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// Serves until `world.stop` turns true, and then until runs have come to a step's end. `world` holds the settings
/// that were read first.
pub async fn serve(world: World, first: Loaded, options: Options) -> Result<(), ServeError> {
    world.lock()?;
    let address = options.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
    let store = world.store().await?;
    let data = world.settings.integrator.data.clone();
    let place = Place::take(&data, address)?;
    let mut stop = world.stop.clone();
    let live = Live::new(&world, first, Arc::clone(&options.loader));
    let service = Arc::new(Service::new(live, store, place.token().to_owned(), options.carrier));
    let (closing, closed) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(notices::run(Arc::clone(&service), service.jobs.observed.listen()));
    tasks.spawn(timer::run(Arc::clone(&service), closed.clone()));
    tasks.spawn(live::follow(Arc::clone(&service), options.reload, closed.clone()));
    let router = routes::router(Arc::clone(&service));
    let mut until = closed;
    let serving = tokio::spawn(async move {
        let served = axum::serve(listener, router);
        let closed = async move {
            let _ = until.wait_for(|closed| *closed).await;
        };
        if let Err(error) = served.with_graceful_shutdown(closed).await {
            tracing::error!(%error, "the service's listener ended");
        }
    });
    (options.ready)(address);
    let _ = stop.wait_for(|stop| *stop).await;
    tracing::info!("the service stops");
    service.jobs.stop_all();
    service.jobs.ended(FAREWELL).await;
    closing.send_replace(true);
    drop(place);
    let _ = tokio::time::timeout(Duration::from_secs(1), serving).await;
    tasks.shutdown().await;
    Ok(())
}
