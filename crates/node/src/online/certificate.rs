//! The certificate of secure WebSocket.

use std::path::Path;

use basalt_network::Certificate;
use basalt_repo::Repo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Error, Result};

/// A file of certificates that are trusted in place of the system's, as Go's programs read it.
const VARIABLE: &str = "SSL_CERT_FILE";
/// The setting, in the file of Basalt's own.
const KEY: &str = "Swarm.Certificate";

fn wrong(path: &Path, reason: impl ToString) -> Error {
    let reason = format!("{}: {}", path.display(), reason.to_string());
    Error::NetworkSetting { key: KEY, reason }
}

/// `Swarm.Certificate` and `Swarm.CertificateKey` of `basalt.json`: files in PEM.
pub(super) fn own(repo: &Repo) -> Result<Option<Certificate>> {
    let settings = &repo.settings().swarm;
    let (chain, key) = match (&settings.certificate, &settings.certificate_key) {
        (None, None) => return Ok(None),
        (Some(chain), Some(key)) => (repo.path().join(chain), repo.path().join(key)),
        _ => {
            let reason = "it takes both Certificate and CertificateKey".to_owned();
            return Err(Error::NetworkSetting { key: KEY, reason });
        }
    };
    let certificates = CertificateDer::pem_file_iter(&chain).map_err(|e| wrong(&chain, e))?;
    let certificates: Result<Vec<_>, _> = certificates.collect();
    let certificates = certificates.map_err(|e| wrong(&chain, e))?;
    if certificates.is_empty() {
        return Err(wrong(&chain, "there is no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(|e| wrong(&key, e))?;
    Ok(Some(Certificate {
        chain: certificates.into_iter().map(|c| c.to_vec()).collect(),
        key: secret.secret_der().to_vec(),
    }))
}

/// The certificates that the variable names; one that cannot be read is as good as none.
pub(super) fn trusted() -> Vec<Vec<u8>> {
    let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) else {
        return Vec::new();
    };
    match CertificateDer::pem_file_iter(&path) {
        Ok(certificates) => certificates
            .filter_map(Result::ok)
            .map(|c| c.to_vec())
            .collect(),
        Err(error) => {
            tracing::warn!(target: "basalt::network", %error, "{VARIABLE} is not read");
            Vec::new()
        }
    }
}
