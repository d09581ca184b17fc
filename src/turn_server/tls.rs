//! Certificates that can be read again while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertificateFiles, StartError};

/// The certificate that new handshakes use. A handshake looks once; no packet does.
pub(super) struct Certificates {
    files: CertificateFiles,
    current: Mutex<Current>,
}

#[derive(Clone)]
struct Current {
    tls: TlsAcceptor,
    dtls: Option<dtls::Certificate>,
    /// Changes with every reading.
    version: u64,
}

impl Certificates {
    pub(super) fn load(files: &CertificateFiles) -> Result<Self, StartError> {
        let current = Mutex::new(read(files, 0)?);
        Ok(Self {
            files: files.clone(),
            current,
        })
    }

    /// Reads the files again. When they cannot be used, what was there before stays.
    pub(super) fn reload(&self) -> Result<(), StartError> {
        let version = self.now().version + 1;
        let fresh = read(&self.files, version)?;
        if let Ok(mut current) = self.current.lock() {
            *current = fresh;
        }
        Ok(())
    }

    fn now(&self) -> Current {
        match self.current.lock() {
            Ok(current) => current.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.now().tls
    }

    /// The certificate for DTLS, and which reading it is of.
    pub(super) fn dtls(&self) -> (Option<dtls::Certificate>, u64) {
        let current = self.now();
        (current.dtls, current.version)
    }
}

fn read(files: &CertificateFiles, version: u64) -> Result<Current, StartError> {
    let wrong = |path: &std::path::Path, what: &dyn fmt::Display| StartError::Certificate {
        path: path.to_owned(),
        what: what.to_string(),
    };
    let of_chain = |what: &dyn fmt::Display| wrong(&files.chain, what);
    let of_key = |what: &dyn fmt::Display| wrong(&files.key, what);
    let chain = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_chain(&error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| of_key(&error))?;
    let first = chain
        .first()
        .ok_or_else(|| of_chain(&"there is no certificate in it"))?;
    // The DTLS stack takes keys in PKCS #8 only.
    let dtls = match &key {
        PrivateKeyDer::Pkcs8(key) => {
            let issuers: Vec<&[u8]> = chain.iter().skip(1).map(AsRef::as_ref).collect();
            dtls::Certificate::with_issuers(first, &issuers, key.secret_pkcs8_der()).ok()
        }
        _ => None,
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| of_key(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| of_key(&error))?;
    Ok(Current {
        tls: TlsAcceptor::from(Arc::new(config)),
        dtls,
        version,
    })
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
