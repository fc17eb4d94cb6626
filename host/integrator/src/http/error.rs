//! What can go wrong between the integrator and a server, in words that carry no secret.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A request that brought no usable answer, after all the tries that its kind allows.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call}: {kind}")]
pub struct HttpError {
    call: Box<Call>,
    kind: HttpErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
    /// A way out that only the asking side knows; goes before the kind's own.
    hint: Option<&'static str>,
}

/// Which request it was.
#[derive(Clone, Debug)]
struct Call {
    endpoint: &'static str,
    method: String,
    path: String,
    request_id: Option<String>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.endpoint)?;
        if !self.path.is_empty() {
            write!(f, " ({} {})", self.method, self.path)?;
        }
        Ok(())
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpErrorKind {
    /// Nothing was sent: name not found, connection refused, proxy down.
    #[error("cannot be reached")]
    Unreachable,
    /// The certificate is not trusted, or TLS failed in another way. Nothing was sent.
    #[error("{problem}")]
    Tls {
        /// What TLS said.
        problem: String,
    },
    /// No whole answer within the time allowed.
    #[error("did not answer in time")]
    Timeout,
    /// The connection broke after the request, or part of it, was sent.
    #[error("closed the connection before its answer was complete")]
    Broken,
    /// An answer that says no.
    #[error("answered {status}: {message}")]
    Status {
        /// HTTP status.
        status: u16,
        /// The server's words on one line.
        message: String,
        /// The row of a sent array that the answer blames, from 0.
        row: Option<usize>,
    },
    /// Still too many requests after six minutes of waiting.
    #[error("still refuses requests as too many: {message}")]
    Throttled {
        /// The server's words on one line.
        message: String,
        /// How long the server wants us to wait, when it says.
        told: Option<Duration>,
    },
    /// The sign-in was refused. Final for the client that asked.
    #[error("refused the sign-in: {message}")]
    SignIn {
        /// HTTP status.
        status: u16,
        /// The server's own error code, for example `AADSTS7000215` or `invalid_client`.
        code: Option<String>,
        /// What it means, on one line.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// The sign-in was not even tried, or refused, because a person has to sign in first, or again.
    #[error("a person has to sign in: {message}")]
    SignInRequired {
        /// Why, on one line.
        message: String,
        /// The way out.
        hint: String,
    },
    /// What the application proves itself with cannot be used now. Nothing was sent.
    #[error("{problem}")]
    Credential {
        /// What is wrong with it.
        problem: String,
        /// The way out.
        hint: String,
    },
    /// 403, or 401 although the token was renewed.
    #[error("refused access ({status}): {message}")]
    Permission {
        /// HTTP status.
        status: u16,
        /// The server's words on one line.
        message: String,
        /// The way out.
        hint: Option<&'static str>,
    },
    /// A write that must not be repeated was sent, and whether it was done is not known.
    #[error("it is not known whether the write was done: {reason}")]
    Unclear {
        /// What happened instead of an answer.
        reason: String,
    },
    /// An answer that is not what the interface promises.
    #[error("answered something unreadable: {problem}")]
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
    /// A body over the limit; the rest was not read.
    #[error("answered with more than {} MiB", limit / 1_048_576)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// We refuse to send the request: it would carry the token to another address.
    #[error("refused to send the token to {address}")]
    Foreign {
        /// The other address, without path and query.
        address: String,
    },
    /// A setting cannot be used.
    #[error("{problem}")]
    Settings {
        /// What is wrong.
        problem: String,
        /// The way out.
        hint: String,
    },
}

/// What a failure means for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Sign-in or permission: exit code 4.
    Access,
    /// A side could not be read completely: exit code 5.
    Side,
    /// A setting: exit code 2.
    Settings,
}

impl HttpError {
    pub(crate) fn new(
        endpoint: &'static str,
        method: &str,
        path: &str,
        request_id: Option<String>,
        kind: HttpErrorKind,
        source: Option<Arc<dyn Error + Send + Sync>>,
    ) -> Self {
        let call = Call { endpoint, method: method.to_owned(), path: path.to_owned(), request_id };
        Self { call: Box::new(call), kind, source, hint: None }
    }

    pub(crate) fn settings(endpoint: &'static str, problem: String, hint: &str) -> Self {
        let kind = HttpErrorKind::Settings { problem, hint: hint.to_owned() };
        Self::new(endpoint, "", "", None, kind, None)
    }

    /// The same with this way out.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The side that was asked, as messages call it.
    pub fn endpoint(&self) -> &'static str {
        self.call.endpoint
    }

    /// The request that failed, by method and path; with the status, where an answer refused access.
    pub(crate) fn call(&self) -> String {
        let place = format!("{} {}", self.call.method, self.call.path);
        match self.kind {
            HttpErrorKind::Permission { status, .. } => format!("{place}: {status}"),
            _ => place,
        }
    }

    /// The path that was asked for, without its query.
    pub fn path(&self) -> &str {
        &self.call.path
    }

    /// The `client-request-id` of the last try: support of the other side finds the request by it.
    pub fn request_id(&self) -> Option<&str> {
        self.call.request_id.as_deref()
    }

    /// What went wrong.
    pub fn kind(&self) -> &HttpErrorKind {
        &self.kind
    }

    /// The HTTP status, when the failure is an answer.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            HttpErrorKind::Status { status, .. }
            | HttpErrorKind::SignIn { status, .. }
            | HttpErrorKind::Permission { status, .. } => Some(*status),
            HttpErrorKind::Throttled { .. } => Some(429),
            _ => None,
        }
    }

    /// Whether the sign-in is refused for good, so that asking again brings nothing else.
    pub(crate) fn is_refused_sign_in(&self) -> bool {
        matches!(
            self.kind,
            HttpErrorKind::SignIn { .. }
                | HttpErrorKind::SignInRequired { .. }
                | HttpErrorKind::Credential { .. }
        )
    }

    /// What the failure means for a command.
    pub fn class(&self) -> FailureClass {
        match &self.kind {
            HttpErrorKind::SignIn { .. }
            | HttpErrorKind::SignInRequired { .. }
            | HttpErrorKind::Credential { .. }
            | HttpErrorKind::Permission { .. } => FailureClass::Access,
            HttpErrorKind::Settings { .. } => FailureClass::Settings,
            _ => FailureClass::Side,
        }
    }

    /// The way out, where one can be named.
    pub fn hint(&self) -> Option<String> {
        if let Some(hint) = self.hint {
            return Some(hint.to_owned());
        }
        let fixed = match &self.kind {
            HttpErrorKind::Unreachable => {
                "check the address, the network and the proxy (http.proxy or HTTPS_PROXY)"
            }
            HttpErrorKind::Tls { .. } => {
                "if the server's certificate comes from your own authority, name its PEM file in http.ca_file"
            }
            HttpErrorKind::Timeout => "try again later, or raise http.timeout_seconds",
            HttpErrorKind::Throttled { .. } => "try again later, or lower the request budget in the settings",
            HttpErrorKind::Status { status: 300..=399, .. } => {
                "the server sends requests elsewhere, and redirects are not followed: check the address"
            }
            HttpErrorKind::SignIn { hint, .. } => return hint.clone(),
            HttpErrorKind::Permission { hint, .. } => return hint.map(str::to_owned),
            HttpErrorKind::Settings { hint, .. }
            | HttpErrorKind::SignInRequired { hint, .. }
            | HttpErrorKind::Credential { hint, .. } => return Some(hint.clone()),
            HttpErrorKind::TooLarge { .. } | HttpErrorKind::Unreadable { .. } => {
                "check that the address leads to the service itself, and not to a proxy's or portal's page"
            }
            HttpErrorKind::Status { .. }
            | HttpErrorKind::Broken
            | HttpErrorKind::Unclear { .. }
            | HttpErrorKind::Foreign { .. } => return None,
        };
        Some(fixed.to_owned())
    }
}
