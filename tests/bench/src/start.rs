//! How soon the binary answers: `--help`, and the way from the start of an import to its first Graph request, seen by
//! a forwarder in front of Microsoft.

use crate::Failure;
use crate::process;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the address of every Graph request has and that of a sign-in has not.
const GRAPH: &[u8] = b"/v1.0/";

/// An import that has asked Graph for nothing after so long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Times of `--help`.
pub(crate) fn help(binary: &Path, folder: &Path, times: u64) -> Result<Vec<Duration>, Failure> {
    (0..times)
        .map(|_| {
            let ended = process::run(binary, &["--help"], folder)?;
            if ended.code == Some(0) {
                Ok(ended.wall)
            } else {
                Err(format!("--help: {}", ended.errors).into())
            }
        })
        .collect()
}

/// Passes bytes on to Microsoft and tells when a Graph request begins.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) address: String,
    seen: mpsc::UnboundedReceiver<Instant>,
}

impl Forwarder {
    /// Listens on loopback in front of `target`, an `http://` address.
    pub(crate) async fn start(target: &str) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let target = target.strip_prefix("http://").ok_or("only http is forwarded")?.to_owned();
        let (sender, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), sender.clone()));
            }
        });
        Ok(Self { address, seen })
    }

    /// Starts an import whose settings name this forwarder, and ends it as soon as it asks Graph for devices.
    pub(crate) async fn first_request(
        &mut self,
        binary: &Path,
        arguments: &[&str],
    ) -> Result<Duration, Failure> {
        while self.seen.try_recv().is_ok() {}
        let mut command = process::command(binary, arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn()?;
        let seen = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
        let _ = child.kill();
        child.wait()?;
        match seen {
            Ok(Some(moment)) => Ok(moment.duration_since(start)),
            _ => Err("the import asked Graph for nothing".into()),
        }
    }
}

async fn forward(client: TcpStream, target: String, seen: mpsc::UnboundedSender<Instant>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::spawn(pass(from_server, to_client, None));
    pass(from_client, to_server, Some(seen)).await;
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: Option<mpsc::UnboundedSender<Instant>>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        if let Some(seen) = &seen
            && bytes.windows(GRAPH.len()).any(|part| part == GRAPH)
        {
            let _ = seen.send(Instant::now());
        }
        if length == 0 || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_graph_request_is_seen_and_a_sign_in_is_not() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}", server.local_addr().unwrap());
        let mut forwarder = Forwarder::start(&target).await.unwrap();
        let mut client =
            TcpStream::connect(forwarder.address.strip_prefix("http://").unwrap()).await.unwrap();
        let (mut arrived, _) = server.accept().await.unwrap();
        let mut buffer = [0; 64];
        for (request, counts) in [("POST /t/oauth2/v2.0/token", false), ("GET /v1.0/users", true)] {
            client.write_all(request.as_bytes()).await.unwrap();
            let length = arrived.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], request.as_bytes());
            assert_eq!(forwarder.seen.try_recv().is_ok(), counts, "{request}");
        }
    }
}
