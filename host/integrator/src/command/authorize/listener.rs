//! Waits at the redirect address for one answer. Knows nothing of what an answer means.

use super::super::failure::Failure;
use super::page::Page;
use crate::graph::CodeAnswer;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use http::{Method, Uri};
use integrator_core::settings::{OLD_REDIRECT_PATH, REDIRECT_PATH};
use secrecy::SecretString;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinSet;

/// How long the last page may take to reach the browser.
const FAREWELL: Duration = Duration::from_secs(3);

/// The listener, and who serves it.
pub(super) struct Listener {
    arrivals: Mutex<mpsc::Receiver<Arrival>>,
    serving: JoinSet<()>,
    done: Arc<Notify>,
}

/// An answer, and where the page goes that its browser waits for.
pub(super) struct Arrival {
    pub(super) answer: CodeAnswer,
    pub(super) reply: oneshot::Sender<Page>,
}

impl Listener {
    /// Listens from now on.
    pub(super) async fn begin(address: SocketAddr) -> Result<Self, Failure> {
        let first = TcpListener::bind(address).await.map_err(|error| {
            Failure::usage(format!("could not listen at {address}: {error}")).hint(
                "end what else listens there, or set console.listen to another port, and register its redirect address",
            )
        })?;
        let mut listeners = vec![first];
        // Browsers may take `localhost` for either.
        if address.ip() == std::net::Ipv4Addr::LOCALHOST
            && let Ok(second) = TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await
        {
            listeners.push(second);
        }
        let (sender, receiver) = mpsc::channel(1);
        let done = Arc::new(Notify::new());
        let mut serving = JoinSet::new();
        for listener in listeners {
            let router = Router::new().fallback(handle).with_state(sender.clone());
            let done = Arc::clone(&done);
            serving.spawn(async move {
                let served = axum::serve(listener, router);
                if let Err(error) = served.with_graceful_shutdown(async move { done.notified().await }).await
                {
                    tracing::warn!(%error, "the listener for the sign-in ended");
                }
            });
        }
        Ok(Self { arrivals: Mutex::new(receiver), serving, done })
    }

    /// The next answer.
    pub(super) async fn arrival(&self) -> Option<Arrival> {
        self.arrivals.lock().await.recv().await
    }

    /// Sends the last page and listens no longer.
    pub(super) async fn end(self, reply: oneshot::Sender<Page>, page: Page) {
        let Self { arrivals, mut serving, done } = self;
        // A browser that is gone has no use for it.
        let _ = reply.send(page);
        // Who comes now, or waits behind the first, is told that there is nothing here.
        drop(arrivals);
        done.notify_waiters();
        let ended = async { while serving.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL, ended).await;
    }
}

async fn handle(State(arrivals): State<mpsc::Sender<Arrival>>, method: Method, uri: Uri) -> Response {
    let Some(answer) = answer_in(&method, &uri) else { return Page::nothing().into_response() };
    let (reply, page) = oneshot::channel();
    if arrivals.send(Arrival { answer, reply }).await.is_err() {
        return Page::nothing().into_response();
    }
    page.await.unwrap_or_else(|_| Page::nothing()).into_response()
}

/// The answer that a request brings, if it is one. A proxy may have put a path before ours.
fn answer_in(method: &Method, uri: &Uri) -> Option<CodeAnswer> {
    let is_ours = [REDIRECT_PATH, OLD_REDIRECT_PATH].iter().any(|path| uri.path().ends_with(path));
    if method != Method::GET || !is_ours {
        return None;
    }
    // Without a query it is somebody looking what is here.
    let query = uri.query().filter(|query| !query.is_empty())?;
    let mut answer = CodeAnswer::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "code" => answer.code = Some(SecretString::from(value)),
            "state" => answer.state = Some(value),
            "error" => answer.error = Some(value),
            "error_description" => answer.description = Some(value),
            _ => {}
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_at_a_redirect_address_is_taken() {
        let check = |method: &str, address: &str, expected: Option<(Option<&str>, Option<&str>)>| {
            let found = answer_in(&method.parse().unwrap(), &address.parse().unwrap());
            let found = found.as_ref().map(|answer| (answer.state.as_deref(), answer.error.as_deref()));
            assert_eq!(found, expected, "{method} {address}");
        };
        check("GET", "/authcallback?code=c&state=s%2B1", Some((Some("s+1"), None)));
        check("GET", "/azure/auth?error=access_denied&state=s", Some((Some("s"), Some("access_denied"))));
        check("GET", "/integrator/authcallback?code=c", Some((None, None)));
        check("GET", "/authcallback", None);
        check("GET", "/favicon.ico?code=c&state=s", None);
        check("HEAD", "/authcallback?code=c&state=s", None);
        check("POST", "/authcallback?code=c&state=s", None);
    }
}
