//! TLS, always verified: against the roots of this machine, and those that the suite names.

use crate::config::plan::HttpVersion;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// A connector for this version of HTTP; sessions are resumed, as clients do.
pub(super) fn connector(
    ca: &[CertificateDer<'static>],
    http: HttpVersion,
) -> Result<TlsConnector, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(ca.iter().cloned(), Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // what every verifier of one's own is called; this is the platform's
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![match http {
        HttpVersion::One => b"http/1.1".to_vec(),
        HttpVersion::Two { .. } => b"h2".to_vec(),
    }];
    Ok(TlsConnector::from(Arc::new(config)))
}
