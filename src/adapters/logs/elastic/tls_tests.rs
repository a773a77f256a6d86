//! A server with TLS: who is trusted, and every way in which that fails told apart.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

const NOW: Timestamp = Timestamp(1_795_446_000_000);

/// A certificate and its key.
struct Own {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn params(names: &[&str], authority: bool) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, if authority { "authority" } else { "server" });
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

fn by_itself(params: CertificateParams) -> Own {
    let key = KeyPair::generate().unwrap();
    Own { certificate: params.self_signed(&key).unwrap(), key }
}

impl Own {
    fn signs(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.signed_by(&key, &self.certificate, &self.key).unwrap(), key }
    }

    fn file(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.certificate.pem()).unwrap();
        path
    }
}

/// An Elasticsearch without events behind TLS; its port.
#[expect(clippy::disallowed_methods, reason = "a server of the test, which ends with its runtime")]
async fn server(own: &Own) -> u16 {
    let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 64 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let known = String::from_utf8_lossy(&request[..read]).contains("authorization: ApiKey s3cret");
            let (status, body) = if known {
                (200, "{\"id\":\"p\",\"hits\":{\"hits\":[]}}")
            } else {
                (401, "{\"error\":{\"reason\":\"missing credentials\"}}")
            };
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nx-elastic-product: Elasticsearch\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            _ = stream.write_all(head.as_bytes()).await;
            _ = stream.shutdown().await;
        }
    });
    port
}

async fn ask(url: String, ca_file: &Path) -> Result<LogPage, String> {
    let auth = Auth::ApiKey(ElasticSecret::new("s3cret".into()));
    let elastic = Elastic::new(ElasticConfig { url, auth, ca_file: Some(ca_file.to_owned()) });
    let elastic = elastic.map_err(|error| error.to_string())?;
    elastic.page(PageAsk { limit: 5, ..PageAsk::default() }, NOW).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn whom_the_authority_signed_is_trusted_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let authority = by_itself(params(&[], true));
    let ca = authority.file(folder, "ca.pem");
    let right = server(&authority.signs(params(&["localhost", "127.0.0.1"], false))).await;
    assert_eq!(ask(format!("https://localhost:{right}"), &ca).await.unwrap().answered.by, "Elasticsearch");
    assert_eq!(ask(format!("https://127.0.0.1:{right}/"), &ca).await.unwrap().answered.by, "Elasticsearch");
    let foreign = by_itself(params(&[], true));
    let elsewhere = server(&authority.signs(params(&["logs.example", "10.0.0.7"], false))).await;
    let itself = by_itself(params(&["localhost"], false));
    let alone = server(&itself).await;
    let mut old = params(&["localhost"], false);
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let old = server(&authority.signs(old)).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_port = plain.local_addr().unwrap().port();
    let not_tls = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        _ = stream.read(&mut [0; 1024]).await;
        std::future::pending::<()>().await;
    };
    let is_plain = async { ask(format!("https://localhost:{plain_port}"), &ca).await };
    let is_plain = tokio::select! { answer = is_plain => answer, () = not_tls => panic!() };
    let foreign = foreign.file(folder, "foreign.pem");
    for (answer, part) in [
        (
            ask(format!("https://localhost:{right}"), &foreign).await,
            "no trusted authority has signed its certificate; set elastic.ca_file",
        ),
        (ask(format!("https://localhost:{alone}"), &ca).await, "signed by itself and not trusted; make sure"),
        (
            ask(format!("https://localhost:{elsewhere}"), &ca).await,
            "its certificate is for logs.example, 10.0.0.7; write one of these",
        ),
        (ask(format!("https://localhost:{old}"), &ca).await, "not valid now; renew it"),
        (ask(format!("http://localhost:{right}"), &ca).await, "speaks TLS; write https:// in elastic.url"),
        (is_plain, "no TLS is spoken there; write http://"),
    ] {
        let error = answer.unwrap_err();
        assert!(error.contains(part) && !error.contains("s3cret"), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_certificate_signed_by_itself_is_trusted_when_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    // As `openssl req -x509` makes them, it calls itself an authority; others do not.
    for authority in [true, false] {
        let mut made = params(&["localhost"], authority);
        let own = by_itself(made.clone());
        let file = own.file(folder.path(), "own.pem");
        let port = server(&own).await;
        ask(format!("https://localhost:{port}"), &file).await.unwrap();
        let error = ask(format!("https://127.0.0.1:{port}"), &file).await.unwrap_err();
        assert!(error.contains("its certificate is for localhost"), "{error}");
        made.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let old = by_itself(made);
        let file = old.file(folder.path(), "old.pem");
        let port = server(&old).await;
        let error = ask(format!("https://localhost:{port}"), &file).await.unwrap_err();
        assert!(error.contains("not valid now"), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_authorities_that_is_none_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (file, part) in [
        (&empty, "empty.pem holds no certificate; it must be PEM"),
        (&broken, "broken.pem holds no certificate"),
        (&folder.path().join("missing.pem"), "cannot read "),
    ] {
        let error = ask("https://localhost:1".into(), file).await.unwrap_err();
        assert!(error.contains(part) && error.starts_with("elastic.ca_file: "), "{error}");
    }
}
