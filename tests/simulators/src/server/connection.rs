//! One accepted connection: its requests, and the effects that break it.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::{RequestLog, StatusAnswer};
use crate::faults::{Effect, Faults, told};

/// In how many pieces a slow body arrives.
const PIECES: usize = 10;

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) control: Router,
    pub(super) faults: Faults,
    pub(super) log: RequestLog,
    pub(super) status_answer: StatusAnswer,
}

/// Serves the requests of a connection until either side ends it.
pub(super) async fn run(stream: TcpStream, acceptor: Option<TlsAcceptor>, service: Arc<Service>) {
    // Answers are small and follow each other closely; waiting for full segments would dominate every test.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve(stream, service).await,
        Some(acceptor) => {
            // A client that does not trust the certificate ends the handshake: nothing to serve then.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, service).await;
            }
        }
    }
}

/// A stream whose connection can be reset.
trait Resettable {
    fn socket(&self) -> &TcpStream;
}

impl Resettable for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Resettable for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn serve<S>(stream: S, service: Arc<Service>)
where
    S: AsyncRead + AsyncWrite + Resettable + Unpin + Send + 'static,
{
    let reset = Arc::new(Notify::new());
    let handler = {
        let reset = Arc::clone(&reset);
        service_fn(move |request| {
            let (service, reset) = (Arc::clone(&service), Arc::clone(&reset));
            async move { Ok::<_, Infallible>(service.answer(request, &reset).await) }
        })
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), handler);
    let was_reset = {
        let mut running = pin!(poll_fn(|context| Pin::new(&mut connection).poll(context)));
        tokio::select! {
            () = reset.notified() => true,
            _ = &mut running => false,
        }
    };
    if was_reset {
        // Lingering for zero time makes the system send RST instead of FIN when the socket is dropped.
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.socket().set_zero_linger();
    }
}

impl Service {
    async fn answer(&self, request: Request<Incoming>, reset: &Notify) -> Response {
        let (mut parts, body) = request.into_parts();
        let Ok(body) = to_bytes(Body::new(body), usize::MAX).await else {
            return hang_up(reset).await;
        };
        if parts.uri.path().starts_with("/control/") {
            return self
                .control
                .clone()
                .oneshot(Request::from_parts(parts, Body::from(body)))
                .await
                .into_response();
        }
        let mut flight = self.log.begin(&parts, &body);
        let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let effect = self.faults.next(parts.method.as_str(), &path_and_query, &body);
        let response = match &effect {
            Some(Effect::Reset) => None,
            Some(Effect::Status { status, body, content_type, retry_after }) => {
                Some(self.status(&parts, *status, body, content_type.as_deref(), retry_after.as_deref()))
            }
            Some(Effect::Html) => Some(html_page()),
            Some(Effect::Hold) => pending().await,
            _ => {
                if let Some(effect) = effect.clone() {
                    parts.extensions.insert(effect);
                }
                let body = misheard(&mut parts, body, effect.as_ref());
                if effect == Some(Effect::Twice) {
                    let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
                    self.router.clone().oneshot(request).await.into_response();
                }
                let request = Request::from_parts(parts, Body::from(body));
                let response = self.router.clone().oneshot(request).await.into_response();
                disturbed(response, effect.as_ref()).await
            }
        };
        let Some(response) = response else {
            drop(flight);
            return hang_up(reset).await;
        };
        flight.answered(response.status().as_u16());
        response
    }

    fn status(
        &self,
        parts: &http::request::Parts,
        status: u16,
        body: &str,
        content_type: Option<&str>,
        retry_after: Option<&str>,
    ) -> Response {
        let status = StatusCode::from_u16(status).expect("the script names a valid status");
        let mut answer = if body.is_empty() && content_type.is_none() {
            (self.status_answer)(status, parts)
        } else {
            response(status, content_type.unwrap_or("application/json"), body.to_owned())
        };
        if let Some(retry_after) = retry_after {
            let value = HeaderValue::from_str(retry_after).expect("the script names a valid Retry-After");
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
        answer
    }
}

/// A router's answer, which cannot be an error.
trait IntoAnswer {
    fn into_response(self) -> Response;
}

impl IntoAnswer for Result<Response, Infallible> {
    fn into_response(self) -> Response {
        match self {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Asks the connection's task to reset it, and never answers.
async fn hang_up(reset: &Notify) -> Response {
    reset.notify_one();
    pending().await
}

/// The answer as it arrives; `None` when it never does.
async fn disturbed(response: Response, effect: Option<&Effect>) -> Option<Response> {
    match effect {
        Some(Effect::AnswerLost) => None,
        Some(Effect::Slow { milliseconds }) => {
            let (mut parts, body) = whole(response).await;
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            Some(Response::from_parts(parts, slow_body(&body, Duration::from_millis(*milliseconds))))
        }
        Some(Effect::Truncate { keep }) => {
            let (mut parts, body) = whole(response).await;
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            Some(Response::from_parts(parts, broken_body(body.slice(..body.len().min(*keep)))))
        }
        Some(Effect::CutJson { keep }) => {
            let (mut parts, body) = whole(response).await;
            let body = body.slice(..body.len().min(*keep));
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            parts.status = StatusCode::OK;
            Some(Response::from_parts(parts, Body::from(body)))
        }
        Some(Effect::Answer { status, body, content_type }) => {
            let status = StatusCode::from_u16(*status).expect("the script names a valid status");
            let content_type = content_type.as_deref().unwrap_or("application/json");
            Some(self::response(status, content_type, body.clone()))
        }
        Some(Effect::Lie { lie }) => {
            let (mut parts, body) = whole(response).await;
            let body = told(lie, &body).map_or(body, Bytes::from);
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            Some(Response::from_parts(parts, Body::from(body)))
        }
        _ => Some(response),
    }
}

/// The request as a service takes it that does not take all of it: without some parameters, or without some rows.
fn misheard(parts: &mut http::request::Parts, body: Bytes, effect: Option<&Effect>) -> Bytes {
    match effect {
        Some(Effect::WithoutParameters { names }) => {
            let query = parts.uri.query().unwrap_or_default();
            let is_known = |pair: &&str| {
                let name = pair.split('=').next().unwrap_or_default().replace("%24", "$");
                !names.iter().any(|unknown| unknown.eq_ignore_ascii_case(&name))
            };
            let kept: Vec<&str> = query.split('&').filter(is_known).collect();
            let address = format!("{}?{}", parts.uri.path(), kept.join("&"));
            parts.uri = address.parse().expect("a part of an address is one");
            body
        }
        Some(Effect::FewerRows { keep }) => match serde_json::from_slice(&body) {
            Ok(Value::Array(mut rows)) => {
                rows.truncate(*keep);
                Bytes::from(Value::Array(rows).to_string())
            }
            _ => body,
        },
        _ => body,
    }
}

async fn whole(response: Response) -> (http::response::Parts, Bytes) {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a handler's body is in memory");
    (parts, body)
}

fn slow_body(body: &Bytes, time: Duration) -> Body {
    let piece = body.len().div_ceil(PIECES).max(1);
    let pieces: Vec<Bytes> =
        (0..body.len()).step_by(piece).map(|at| body.slice(at..body.len().min(at + piece))).collect();
    let pause = time / u32::try_from(pieces.len().max(1)).unwrap_or(1);
    Body::from_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(piece)
    }))
}

/// Sends what there is and then fails, which makes the server close the connection.
fn broken_body(body: Bytes) -> Body {
    let end = stream::once(async {
        // One turn of the event loop lets the bytes before the break reach the socket.
        let mut yielded = false;
        poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::once(async move { Ok(body) }).chain(end))
}

fn html_page() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head><body><h1>Sign in to the \
                network</h1></body></html>\n";
    response(StatusCode::OK, "text/html; charset=utf-8", page.to_owned())
}

/// A response with a content type and a body.
pub(super) fn response(status: StatusCode, content_type: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_str(content_type).expect("the content type is a valid header");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
