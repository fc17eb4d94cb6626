//! What the tests of both servers share.

use tokio_rustls::rustls::crypto::ring;

/// An HTTP client. Every client needs a cryptography provider, also one that speaks plain http only.
pub(crate) fn client() -> reqwest::Client {
    // Of several tests in one process the first installs it; the others find it there.
    let _ = ring::default_provider().install_default();
    reqwest::Client::new()
}
