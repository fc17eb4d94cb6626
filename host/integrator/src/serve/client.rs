//! Hands a command to the service of this computer, and brings back what it prints.

use super::place::{self, Found};
use super::{Asked, Frame};
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How long a service that runs takes at most to answer that it does.
const GREETING: Duration = Duration::from_secs(2);

/// A service that answered.
#[derive(Clone, Debug)]
pub struct Running {
    found: Found,
}

/// The service that holds this data folder, if one runs.
pub async fn find(data: &Path) -> Option<Running> {
    let found = place::find(data)?;
    let running = Running { found };
    let greeting = running.send(Method::GET, "/api/v1/jobs", Bytes::new());
    match tokio::time::timeout(GREETING, greeting).await {
        Ok(Ok(response)) if response.status().is_success() => Some(running),
        _ => None,
    }
}

impl Running {
    /// Has a command carried out. `show` is handed everything but the exit code, which comes back. When `stop` turns
    /// true the service is asked once to stop the command.
    pub async fn carry_out(
        &self,
        asked: &Asked,
        mut stop: watch::Receiver<bool>,
        mut show: impl FnMut(Frame),
    ) -> io::Result<u8> {
        let body = serde_json::to_vec(asked).map_err(io::Error::other)?;
        let mut response = self.send(Method::POST, "/api/v1/commands", body.into()).await?;
        if !response.status().is_success() {
            return Err(io::Error::other(format!("the service answered {}", response.status())));
        }
        let (mut left, mut job, mut asked_to_stop) = (Vec::new(), None, false);
        loop {
            let frame = tokio::select! {
                frame = response.frame() => frame,
                _ = stop.wait_for(|stop| *stop), if job.is_some() && !asked_to_stop => {
                    asked_to_stop = true;
                    if let Some(job) = &job {
                        self.send(Method::POST, &format!("/api/v1/jobs/{job}/cancel"), Bytes::new()).await?;
                    }
                    continue;
                }
            };
            let Some(frame) = frame else {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the service went away"));
            };
            let Ok(bytes) = frame.map_err(io::Error::other)?.into_data() else { continue };
            left.extend_from_slice(&bytes);
            while let Some(end) = left.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = left.drain(..=end).collect();
                match serde_json::from_slice(&line).map_err(io::Error::other)? {
                    Frame::Job(id) => job = Some(id),
                    Frame::Exit(code) => return Ok(code),
                    other => show(other),
                }
            }
        }
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> io::Result<http::Response<Incoming>> {
        let stream = TcpStream::connect(self.found.address).await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.found.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.found.token.expose_secret()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(io::Error::other)?;
        sender.send_request(request).await.map_err(io::Error::other)
    }
}
