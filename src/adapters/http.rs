//! Every HTTP client of zkdeck is made here; with TLS for an address that begins with `https://`.
//!
//! Who may have signed a server's certificate is what a file says, else what the system says. What
//! goes wrong with TLS is told apart by [`TlsFault`], each with what to do.

use std::any::Any;
use std::error::Error as _;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{ClientBuilder, Response};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use crate::domain::cause::Advice;

/// The authorities' certificates cannot be had, so no client with TLS can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustError {
    File { setting: &'static str, file: PathBuf, cause: String },
    NoCertificate { setting: &'static str, file: PathBuf },
    System { setting: &'static str },
    Inside(String),
}

impl TrustError {
    /// Why they cannot be had, and what to do.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::File { setting, file, cause } => Advice::new(
                format!("{setting}: cannot read {}: {cause}", file.display()),
                "name a file of certificates that zkdeck may read",
            ),
            Self::NoCertificate { setting, file } => Advice::new(
                format!("{setting}: {} holds no certificate", file.display()),
                "it must be PEM, with -----BEGIN CERTIFICATE----- in it",
            ),
            Self::System { setting } => Advice::new(
                "this system has no certificates of authorities",
                format!("install ca-certificates, or set {setting}"),
            ),
            Self::Inside(cause) => Advice::new(format!("cannot set up TLS: {cause}"), "look into the log of zkdeck"),
        }
    }
}

impl std::error::Error for TrustError {}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.advice().fmt(f)
    }
}

/// Why a connection with TLS did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    UnknownAuthority,
    SelfSigned,
    OtherName { names: String },
    OutOfTime,
    Certificate(String),
    Plain,
    Ended(String),
    Other(String),
}

impl TlsFault {
    /// Why it did not, and what to do.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::UnknownAuthority => Advice::new(
                "no trusted authority has signed its certificate",
                format!("set {CA_FILE} to the certificate of the one that has"),
            ),
            Self::SelfSigned => Advice::new(
                "its certificate is signed by itself and not trusted",
                format!("make sure that it is the right one, and set {CA_FILE} to it"),
            ),
            Self::OtherName { names } => Advice::new(
                format!("its certificate is for {names}"),
                "write one of these in the address, or make a certificate for this one",
            ),
            Self::OutOfTime => Advice::new("its certificate is not valid now", "renew it, or set this machine's clock"),
            Self::Certificate(why) => {
                Advice::new(format!("its certificate is not accepted: {why}"), "make a new one for the server")
            }
            Self::Plain => Advice::new("no TLS is spoken there", "write http:// in the address"),
            Self::Ended(why) => Advice::new(format!("the server ended the TLS handshake: {why}"), "look into its log"),
            Self::Other(why) => Advice::new(format!("TLS failed: {why}"), "look into the server's log"),
        }
    }
}

impl std::error::Error for TlsFault {}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.advice().fmt(f)
    }
}

/// Longest wait for a first word of TLS.
const TRIAL_LIMIT: Duration = Duration::from_secs(2);
/// The setting that names the file of authorities.
pub const CA_FILE: &str = "elastic.ca_file";

/// A client for addresses with `http://` only: it trusts nobody.
pub fn plain() -> ClientBuilder {
    match trusting(&[]) {
        Ok(config) => with(config),
        // `build` refuses what is no setting of TLS.
        Err(error) => with(error),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that sets TLS up")]
fn with(tls: impl Any) -> ClientBuilder {
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}

/// A client for `url`. `ca_file`: the only authorities that are trusted; else the system's are.
///
/// # Errors
/// [`TrustError`] when the certificates of the authorities cannot be had.
pub fn client(url: &str, ca_file: Option<&Path>) -> Result<ClientBuilder, TrustError> {
    if !is_tls(url) {
        return Ok(plain());
    }
    let authorities = match ca_file {
        Some(file) => of_file(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    if authorities.is_empty() {
        return Err(TrustError::System { setting: CA_FILE });
    }
    Ok(with(trusting(&authorities)?))
}

/// Whether TLS is spoken where `url` says that it is not: asks there, without a word about who asks.
pub async fn speaks_tls(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let Ok(client) = plain().timeout(TRIAL_LIMIT).build() else { return false };
    match client.head(format!("https://{rest}")).send().await {
        Ok(_) => true,
        // Nobody is trusted here: TLS is spoken when it comes to a certificate at all.
        Err(error) => tls_fault(&error).is_some_and(|fault| fault != TlsFault::Plain),
    }
}

/// Whether the address is one of TLS.
#[must_use]
pub fn is_tls(url: &str) -> bool {
    url.starts_with("https://")
}

fn of_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let setting = CA_FILE;
    let text = std::fs::read(file).map_err(|error| TrustError::File {
        setting,
        file: file.to_owned(),
        cause: error.to_string(),
    })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    certificates
        .ok()
        .filter(|found| !found.is_empty() && found.iter().all(|one| RootCertStore::empty().add(one.clone()).is_ok()))
        .ok_or_else(|| TrustError::NoCertificate { setting, file: file.to_owned() })
}

fn trusting(authorities: &[CertificateDer<'static>]) -> Result<ClientConfig, TrustError> {
    let inside = |error: &dyn std::fmt::Display| TrustError::Inside(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| inside(&error))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    if roots.is_empty() {
        return Ok(config.with_root_certificates(roots).with_no_client_auth());
    }
    let usual =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|e| inside(&e))?;
    let verifier = Verifier { usual, given: authorities.to_vec() };
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The usual checks, and two things more: it tells a certificate that is signed by itself, and takes
/// one that was given as an authority although it calls itself one.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

#[derive(Debug)]
struct SignedByItself;

impl std::fmt::Display for SignedByItself {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("signed by itself")
    }
}

impl std::error::Error for SignedByItself {}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.usual.verify_server_cert(own, between, name, ocsp, now);
        // Its time has been looked at when one of these is told.
        let Err(Error::InvalidCertificate(why)) = &verified else { return verified };
        if !(*why == CertificateError::UnknownIssuer || calls_itself_authority(why)) || !signed_by_itself(own) {
            return verified;
        }
        if calls_itself_authority(why) && self.given.iter().any(|given| given == own) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(SignedByItself)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

fn calls_itself_authority(why: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(error)) = why else { return false };
    matches!(error.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn signed_by_itself(own: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(own).is_ok_and(|cert| cert.issuer() == cert.subject())
}

/// The bytes of an answer; `None` when there are more than `most`.
///
/// # Errors
/// When it breaks off.
pub async fn body(mut answer: Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if bytes.len() + part.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Some(bytes))
}

/// The cause that lies deepest: "connection refused", without the layers around it.
#[must_use]
pub fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What went wrong with TLS, when it was that.
#[must_use]
pub fn tls_fault(error: &reqwest::Error) -> Option<TlsFault> {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<Error>()).or_else(|| error.downcast_ref());
        if let Some(tls) = tls {
            return Some(fault(tls));
        }
        // An error of input and output does not name what it holds as its source.
        cause = inner.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
}

fn fault(error: &Error) -> TlsFault {
    use CertificateError as Cert;
    match error {
        // A bad signature: the authority has the name of a trusted one, and another key.
        Error::InvalidCertificate(Cert::UnknownIssuer | Cert::BadSignature) => TlsFault::UnknownAuthority,
        Error::InvalidCertificate(Cert::Other(OtherError(other))) if other.is::<SignedByItself>() => {
            TlsFault::SelfSigned
        }
        Error::InvalidCertificate(Cert::NotValidForNameContext { presented, .. }) if !presented.is_empty() => {
            let names: Vec<String> = presented.iter().map(|name| bare(name)).collect();
            TlsFault::OtherName { names: names.join(", ") }
        }
        Error::InvalidCertificate(Cert::NotValidForName | Cert::NotValidForNameContext { .. }) => {
            TlsFault::OtherName { names: "no name at all".into() }
        }
        Error::InvalidCertificate(
            Cert::Expired | Cert::ExpiredContext { .. } | Cert::NotValidYet | Cert::NotValidYetContext { .. },
        ) => TlsFault::OutOfTime,
        Error::InvalidCertificate(other) => TlsFault::Certificate(other.to_string()),
        Error::InvalidMessage(_) => TlsFault::Plain,
        Error::AlertReceived(alert) => TlsFault::Ended(format!("{alert:?}")),
        other => TlsFault::Other(other.to_string()),
    }
}

/// `DnsName("a")` is `a`. It comes from the certificate: control characters are left out.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.chars().filter(|c| !c.is_control() && *c != '"').collect()
}
