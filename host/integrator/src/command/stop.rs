//! Ctrl-C and the system's wish to end: once asks politely, twice leaves at once.

use crate::sync::ExitClass;
use tokio::sync::watch;

/// Listens from now on. The receiver turns true with the first request.
pub(super) fn listen() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    // Registered once and before the task runs, so that no request falls between two waits.
    match Requests::register() {
        Ok(mut requests) => {
            tokio::spawn(async move {
                requests.next().await;
                eprintln!("stopping as soon as what is under way is finished; once more leaves at once");
                sender.send_replace(true);
                requests.next().await;
                std::process::exit(ExitClass::Interrupted.code().into());
            });
        }
        // The system's own way of ending holds: what is under way is looked up by the next run.
        Err(error) => {
            tracing::warn!(%error, "Ctrl-C cannot be listened to");
            tokio::spawn(async move { sender.closed().await });
        }
    }
    receiver
}

#[cfg(unix)]
struct Requests {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn register() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Requests {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Requests {
    fn register() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
            close: tokio::signal::windows::ctrl_close()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
        }
    }
}
