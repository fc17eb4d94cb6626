//! One exchange on the wire: send, read up to the limit, and say how far it got.

use super::error::HttpErrorKind;
use super::request::Answer;
use chrono::{DateTime, Utc};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// The largest body that is read, unpacked.
pub(crate) const LARGEST_BODY: usize = 64 * 1_048_576;

/// An exchange without a complete answer.
#[derive(Debug)]
pub(crate) struct TransportError {
    /// What went wrong.
    pub(crate) kind: HttpErrorKind,
    /// Whether the server can have seen the request.
    pub(crate) reach: Reach,
    /// The cause below.
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No connection was made.
    Unsent,
    /// The server may have read it.
    Sent,
}

/// Sends a request and reads the whole answer.
pub(crate) async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
) -> Result<Answer, TransportError> {
    let mut response = client.execute(request).await.map_err(failed)?;
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(expected.min(LARGEST_BODY));
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            let kind = HttpErrorKind::TooLarge { limit: LARGEST_BODY };
            return Err(TransportError { kind, reach: Reach::Sent, source: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body, headers })
}

pub(super) fn failed(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let reach = if error.is_connect() { Reach::Unsent } else { Reach::Sent };
    let kind = if let Some(problem) = tls_problem(&error) {
        HttpErrorKind::Tls { problem }
    } else if error.is_timeout() && !error.is_connect() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Unreachable
    } else {
        HttpErrorKind::Broken
    };
    TransportError { kind, reach, source: Some(Arc::new(error)) }
}

/// What TLS has against the server, when it is TLS that failed.
fn tls_problem(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return Some(describe_tls(tls));
        }
        // An I/O error that carries another one names that one's source as its own, and so hides it.
        cause = match current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(carried) => Some(carried),
            None => current.source(),
        };
    }
    None
}

fn describe_tls(error: &rustls::Error) -> String {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            Certificate::UnknownIssuer => {
                "its TLS certificate is not trusted: nobody that this system trusts issued it".to_owned()
            }
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "its TLS certificate has expired".to_owned()
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "its TLS certificate is for another name".to_owned()
            }
            other => format!("its TLS certificate is not trusted: {other:?}"),
        },
        other => format!("TLS failed: {other}"),
    }
}

/// Reads `Retry-After`: seconds, whole or with a fraction, or an HTTP date.
pub(crate) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?.with_timezone(&Utc);
    Some((date - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_each_of_its_forms() {
        let now = DateTime::from_timestamp(1_445_412_480, 0).unwrap();
        let check = |value, expected: Option<u64>| {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_millis), "{value}");
        };
        check("7", Some(7_000));
        check("2.128", Some(2_128));
        check("0", Some(0));
        check("-3", Some(0));
        check("Wed, 21 Oct 2015 07:28:30 GMT", Some(30_000));
        check("Wed, 21 Oct 2015 07:00:00 GMT", Some(0));
        check("soon", None);
        check("NaN", Some(0));
        check("inf", None);
    }
}
