//! Ctrl-C and the system's wish to end: once asks politely, twice leaves at once.

use crate::sync::ExitClass;
use tokio::sync::watch;

/// Listens from now on. The receiver turns true with the first request.
pub(super) fn listen() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        wait().await;
        eprintln!("stopping as soon as what is under way is finished; once more leaves at once");
        sender.send_replace(true);
        wait().await;
        std::process::exit(ExitClass::Interrupted.code().into());
    });
    receiver
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return wait_for_interrupt().await;
    };
    tokio::select! {
        () = wait_for_interrupt() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait() {
    wait_for_interrupt().await;
}

async fn wait_for_interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the system's own way of ending holds.
        std::future::pending::<()>().await;
    }
}
