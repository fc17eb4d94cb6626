//! Serving a router on loopback, with faults injected and every request counted.
//!
//! The layer reads the whole request, asks the fault script once, performs the effects of the transport itself and
//! leaves those of the service to the handler, as an [`Effect`](crate::faults::Effect) in the request's extensions.
//! It does not know which service it serves.

mod connection;
mod log;
mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use self::log::{LoggedRequest, RequestLog};
use crate::control;
use crate::faults::Faults;

/// The service's own answer with a status, for faults that leave the body to the service.
pub type StatusAnswer = fn(StatusCode, &http::request::Parts) -> Response;

/// Where and how a server listens.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// The port; without it the system picks a free one.
    pub port: Option<u16>,
    /// Serve https with a certificate that nobody trusts yet.
    pub tls: Option<TlsFiles>,
    /// A path in front of every path of the service, such as `/api-gateway`; empty is none.
    pub prefix: String,
    /// The service's own answer for a fault's status; without it a small JSON object.
    pub status_answer: Option<StatusAnswer>,
    /// Routes to add under `/control`, where neither faults nor the log apply.
    pub control: Option<Router>,
}

/// What an https server leaves behind for its clients.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The file to write the certificate of the certification authority to, as PEM. The authority is made at start.
    pub ca_certificate: PathBuf,
}

/// A server that runs until this value is dropped.
#[derive(Debug)]
pub struct RunningServer {
    address: String,
    socket: SocketAddr,
    task: JoinHandle<()>,
}

impl RunningServer {
    /// The address of the service, with its path prefix and without a slash at the end: `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// The address of the control routes: `http://127.0.0.1:PORT/control`. The service's prefix does not apply.
    pub fn control_address(&self) -> String {
        let scheme = self.address.split("://").next().unwrap_or("http");
        format!("{scheme}://{}/control", self.socket)
    }

    /// The socket that accepts connections.
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listening socket whose address is known before anything is served on it.
///
/// Services that write absolute links need their own address before the first request.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    socket: SocketAddr,
    address: String,
    options: ServeOptions,
}

impl Bound {
    /// Opens the socket on loopback.
    pub async fn new(options: ServeOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port.unwrap_or(0))).await?;
        let socket = listener.local_addr()?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{socket}{}", options.prefix.trim_end_matches('/'));
        Ok(Self { listener, socket, address, options })
    }

    /// The address that the service will have; see [`RunningServer::address`].
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Adds routes under `/control`, for those that need the address.
    #[must_use]
    pub fn with_control(mut self, routes: Router) -> Self {
        let control = self.options.control.take().unwrap_or_default();
        self.options.control = Some(control.merge(routes));
        self
    }

    /// Serves the router on the socket.
    pub fn serve(self, router: Router, faults: Faults, log: RequestLog) -> io::Result<RunningServer> {
        let Self { listener, socket, address, options } = self;
        let acceptor = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let prefix = options.prefix.trim_end_matches('/');
        let router = if prefix.is_empty() { router } else { Router::new().nest(prefix, router) };
        let mut control = control::router(faults.clone(), log.clone());
        if let Some(more) = options.control {
            control = control.merge(more);
        }
        let service = Arc::new(connection::Service {
            router,
            control: Router::new().nest("/control", control),
            faults,
            log,
            status_answer: options.status_answer.unwrap_or(plain_status),
        });
        let task = tokio::spawn(async move {
            // Connections live in this set, so that they end with the accepting task.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        connections.spawn(connection::run(stream, acceptor.clone(), Arc::clone(&service)));
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(RunningServer { address, socket, task })
    }
}

/// Serves the router on loopback until the returned value is dropped.
pub async fn serve(
    router: Router,
    faults: Faults,
    log: RequestLog,
    options: ServeOptions,
) -> io::Result<RunningServer> {
    Bound::new(options).await?.serve(router, faults, log)
}

fn plain_status(status: StatusCode, _request: &http::request::Parts) -> Response {
    let body = serde_json::json!({ "error": status.canonical_reason().unwrap_or("unknown") });
    connection::response(status, "application/json", body.to_string())
}

#[cfg(test)]
mod tests;
