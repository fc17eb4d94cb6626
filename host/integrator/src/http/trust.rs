//! Whom TLS trusts: the system's roots, and the file that the settings add.

use super::error::HttpError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// The name under which settings of this module fail.
const ENDPOINT: &str = "http";

/// TLS settings for all clients.
pub(crate) fn tls_settings(ca_file: Option<&Path>) -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(system.certs);
    if !system.errors.is_empty() || ignored > 0 {
        tracing::debug!(added, ignored, errors = system.errors.len(), "read the system's certificates");
    }
    if let Some(file) = ca_file {
        add_file(&mut roots, file)?;
    } else if added == 0 {
        tracing::warn!("this system trusts no certificate authority: set http.ca_file");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::settings(ENDPOINT, format!("TLS cannot be used: {error}"), ""))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(settings)
}

fn add_file(roots: &mut RootCertStore, file: &Path) -> Result<(), HttpError> {
    let hint = "http.ca_file wants a file with one or more PEM certificates (-----BEGIN CERTIFICATE-----)";
    let refuse = |problem: String| {
        HttpError::settings(ENDPOINT, format!("http.ca_file {}: {problem}", file.display()), hint)
    };
    let text = std::fs::read(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| refuse(format!("is no PEM: {error}")))?;
        roots.add(certificate).map_err(|error| refuse(format!("holds a bad certificate: {error}")))?;
        count += 1;
    }
    if count == 0 { Err(refuse("holds no certificate".to_owned())) } else { Ok(()) }
}
