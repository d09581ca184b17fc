use std::io;
use std::sync::Arc;

use tokio_rustls::rustls;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

/// Whose certificates are believed of TURN servers that are reached by TLS and DTLS (`turns:`).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ServerTrust {
    /// Those that the operating system believes. They are read when the first such server is used.
    #[default]
    System,
    /// Those that lead to one of these, each in DER, and no others.
    Roots(Vec<Vec<u8>>),
}

/// A text is not PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificates are not PEM")]
pub struct TrustError;

impl ServerTrust {
    /// Those that lead to one of the certificates in a PEM file.
    ///
    /// # Errors
    ///
    /// The text is not PEM.
    pub fn from_pem(text: &str) -> Result<Self, TrustError> {
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
        let roots = certificates.map(|found| found.map(|der| der.to_vec()));
        Ok(Self::Roots(
            roots.collect::<Result<_, _>>().map_err(|_| TrustError)?,
        ))
    }

    /// What checks a server's certificate; `None` when nobody is believed at all.
    pub(crate) fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let mut roots = rustls::RootCertStore::empty();
        match self {
            Self::System => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
            Self::Roots(certificates) => {
                let certificates = certificates.iter().map(|der| der.as_slice().into());
                roots.add_parsable_certificates(certificates);
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        match builder.build() {
            Ok(verifier) => Some(verifier),
            Err(error) => {
                log::debug!("no certificate of a server can be checked: {error}");
                None
            }
        }
    }
}

/// What a server showed in a handshake of DTLS: its certificate, and those that lead from it to one that is believed.
pub(crate) struct Chain<'a> {
    certificate: CertificateDer<'a>,
    issuers: Vec<CertificateDer<'a>>,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(certificate: &'a [u8], issuers: &'a [Vec<u8>]) -> Self {
        Self {
            certificate: certificate.into(),
            issuers: issuers.iter().map(|der| der.as_slice().into()).collect(),
        }
    }

    /// The same checks that TLS makes (RFC 8489 §6.2.3, RFC 5280 §6, RFC 9525): path, dates, usage, name.
    pub(crate) fn verify(
        &self,
        verifier: &WebPkiServerVerifier,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> io::Result<()> {
        let checked = verifier.verify_server_cert(&self.certificate, &self.issuers, name, &[], now);
        checked.map(|_| ()).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests;
