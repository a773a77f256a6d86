//! A client of its own: HTTP/1.1 by hand, so that a body can be held back and a closed connection is told
//! from an answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::book::{Answer, Asked, Book, Came, Entry};

/// Longest time for a whole exchange: longer than any answer may take.
const LIMIT: Duration = Duration::from_secs(90);
/// Bytes that a held body keeps back.
const KEPT_BACK: usize = 3;

/// A body, and what is waited for before its last bytes are sent.
pub struct Body {
    pub bytes: Vec<u8>,
    pub gate: Option<watch::Receiver<u64>>,
    /// Sent in pieces of this size, with other work in between.
    pub piece: usize,
}

impl Body {
    pub const fn none() -> Self {
        Self::at_once(Vec::new())
    }

    pub const fn at_once(bytes: Vec<u8>) -> Self {
        Self { bytes, gate: None, piece: usize::MAX }
    }
}

fn parts(asked: &Asked) -> (&'static str, String, Option<String>) {
    match asked {
        Asked::Upload { name, .. } => ("POST", format!("/api/files?name={name}"), None),
        Asked::Download { file, .. } => ("GET", format!("/api/files/{file}/content"), None),
        Asked::Delete { file } => ("DELETE", format!("/api/files/{file}"), None),
        Asked::Migrate { file, node } => {
            ("POST", format!("/api/files/{file}/migrate"), Some(format!("{{\"target\":\"{node}\"}}")))
        }
        Asked::Drain { node } => ("POST", format!("/api/nodes/{node}/drain"), None),
        Asked::Undrain { node } => ("POST", format!("/api/nodes/{node}/undrain"), None),
        Asked::Weight { node, weight } => {
            ("PUT", format!("/api/nodes/{node}/weight"), Some(format!("{{\"weight\":{weight}}}")))
        }
        Asked::Stress { node } => {
            let body = format!("{{\"node\":\"{node}\",\"files\":2,\"size_kb\":4,\"trigger_scheduler\":false}}");
            ("POST", "/api/demo/stress".to_owned(), Some(body))
        }
        Asked::Run => ("POST", "/api/scheduler/run".to_owned(), None),
    }
}

/// Sends a request and notes what came. A daemon that takes no connection was not asked: nothing is noted.
pub async fn ask(book: &Book, address: &str, asked: Asked, body: Body) -> Option<Entry> {
    let (method, path, fields) = parts(&asked);
    let kind = if fields.is_some() { "application/json" } else { "application/octet-stream" };
    let body = fields.map_or(body, |text| Body::at_once(text.into_bytes()));
    let sent = Instant::now();
    let stream = TcpStream::connect(address).await.ok()?;
    let came = match timeout(LIMIT, exchange(stream, address, method, &path, kind, body)).await {
        Ok(Ok(answer)) => Came::Answer(answer),
        Ok(Err(error)) => Came::Nothing(error.to_string()),
        Err(_) => Came::Nothing(format!("nothing came within {LIMIT:?}")),
    };
    let entry = Entry { asked, sent, ended: Instant::now(), came };
    book.note(entry.clone());
    Some(entry)
}

/// The status and body of a GET that is not part of the ledger.
pub async fn get(address: &str, path: &str) -> Option<Answer> {
    let look = async {
        let stream = TcpStream::connect(address).await?;
        exchange(stream, address, "GET", path, "text/plain", Body::none()).await
    };
    timeout(Duration::from_secs(5), look).await.ok()?.ok()
}

async fn exchange(
    mut stream: TcpStream,
    address: &str,
    method: &str,
    path: &str,
    kind: &str,
    body: Body,
) -> std::io::Result<Answer> {
    stream.set_nodelay(true)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.bytes.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let (mut from, mut to) = stream.split();
    // An answer may come before the body is through: then the rest is not sent.
    let mut come = Vec::new();
    let send = async {
        let kept_back = if body.gate.is_some() { KEPT_BACK.min(body.bytes.len()) } else { 0 };
        let (first, last) = body.bytes.split_at(body.bytes.len() - kept_back);
        for piece in first.chunks(body.piece.max(1)) {
            to.write_all(piece).await?;
            to.flush().await?;
            tokio::task::yield_now().await;
        }
        if let Some(mut gate) = body.gate {
            _ = gate.changed().await;
        }
        to.write_all(last).await
    };
    tokio::select! {
        read = from.read_to_end(&mut come) => return read.and_then(|_| answer(&come)),
        sent = send => {
            // What cannot be sent may have been answered all the same.
            if let Err(error) = sent {
                _ = timeout(Duration::from_secs(5), from.read_to_end(&mut come)).await;
                return answer(&come).map_err(|_| error);
            }
        }
    }
    match from.read_to_end(&mut come).await {
        Ok(_) => answer(&come),
        Err(error) => answer(&come).map_err(|_| error),
    }
}

fn answer(bytes: &[u8]) -> std::io::Result<Answer> {
    let broken = |what: &str| std::io::Error::other(format!("{what} in {:?}", String::from_utf8_lossy(bytes)));
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| broken("no end of the head"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(|| broken("no status"))?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes[end + 4..].to_vec();
    let length = headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
    let whole = length.is_none_or(|length| length == body.len());
    Ok(Answer { status, headers, body, whole })
}
