//! TLS: whose certificates are trusted.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A file of certificates in place of the system's, as Go's programs read it.
const VARIABLE: &str = "SSL_CERT_FILE";
/// Where systems keep what they trust.
const FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whose certificates are trusted; cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Trusts what these certificates, in PEM, have signed.
    ///
    /// # Errors
    /// They are not in PEM, or there is none.
    pub fn pem(text: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.map_err(invalid)?;
            // Systems keep old ones that cannot be used any more.
            let _ = roots.add(certificate);
        }
        if roots.is_empty() {
            return Err(invalid("there is no certificate"));
        }
        Self::new(roots)
    }

    /// Trusts everybody: the connection is secret, though nobody knows from whom. For tests of servers
    /// whose certificates nobody has signed.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn anybody() -> io::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// Trusts what the system trusts, and where it does not say, what browsers do.
    pub(super) async fn system() -> io::Result<Self> {
        static SYSTEM: OnceCell<Trust> = OnceCell::const_new();
        let read = || async { tokio::task::spawn_blocking(read_system).await? };
        SYSTEM.get_or_try_init(read).await.cloned()
    }

    fn new(roots: RootCertStore) -> io::Result<Self> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
        TlsConnector::from(self.0.clone())
            .connect(name, stream)
            .await
    }
}

/// Takes every certificate whose key the server has.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

fn read_system() -> io::Result<Trust> {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        let path = Path::new(&path);
        return read(path)
            .map_err(|e| io::Error::new(e.kind(), format!("{VARIABLE}={}: {e}", path.display())));
    }
    if let Some(trust) = FILES.iter().find_map(|path| read(Path::new(path)).ok()) {
        return Ok(trust);
    }
    Trust::new(RootCertStore::from_iter(
        webpki_roots::TLS_SERVER_ROOTS.iter().cloned(),
    ))
}

fn read(path: &Path) -> io::Result<Trust> {
    Trust::pem(&std::fs::read(path)?)
}

/// The host of `host:port`, without the brackets of an IPv6 address.
pub(super) fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Error, Headers, Target, Upload};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// A server over TLS that says `hello`: its address, and its certificate.
    async fn server() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.key_pair.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut read = Vec::new();
                while !read.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut read).await.unwrap();
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        (format!("localhost:{port}"), made.cert.pem())
    }

    async fn get(client: &Client) -> crate::Result<bytes::Bytes> {
        let none = Headers::new();
        let mut answer = client.send("GET", "/", &none, Upload::Empty).await?;
        answer.body.all(100).await
    }

    #[tokio::test]
    async fn who_is_trusted_answers_and_nobody_else() {
        let (address, pem) = server().await;
        let client = Client::new(Target::Tls(address.clone()));
        let trusting = client.clone().trust(Trust::pem(pem.as_bytes()).unwrap());
        assert_eq!(get(&trusting).await.unwrap(), "hello");
        let error = get(&client).await.unwrap_err();
        assert!(
            matches!(&error, Error::Connect { source, .. } if source.to_string().contains("UnknownIssuer")),
            "{error}"
        );
        let careless = client.clone().trust(Trust::anybody().unwrap());
        assert_eq!(get(&careless).await.unwrap(), "hello");
        // The certificate is that of another host.
        let other = Client::new(Target::Tls(address.replace("localhost", "127.0.0.1")))
            .trust(Trust::pem(pem.as_bytes()).unwrap());
        assert!(matches!(get(&other).await, Err(Error::Connect { .. })));
        // Unless that is the name that was asked for.
        assert_eq!(get(&other.named("localhost")).await.unwrap(), "hello");
    }

    #[test]
    fn certificates_that_are_none() {
        assert!(Trust::pem(b"").is_err());
        assert!(Trust::pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n").is_err());
        assert_eq!(host("[::1]:443"), "::1");
        assert_eq!(host("a.example:443"), "a.example");
    }
}
