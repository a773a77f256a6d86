//! Four-letter words: connect, say the word, read until the server closes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::config::ProbeConfig;

/// Most bytes of a reply: `mntr` with everything on takes about 40 KiB.
const REPLY_BYTES_MAX: u64 = 1024 * 1024;

/// How far it came.
pub(super) enum WordReply {
    /// What came until the server closed, cut at one MiB.
    Text(String),
    /// Connected, and no whole reply within the limit.
    Silent,
    /// No connection: why, in words.
    Unreachable(String),
}

pub(super) async fn ask(address: &str, word: &str, limits: &ProbeConfig) -> WordReply {
    let begun = tokio::time::Instant::now();
    let stream = match timeout(limits.connect_limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return WordReply::Unreachable(words(&error)),
        Err(_) => {
            return WordReply::Unreachable(format!("no connection within {} ms", limits.connect_limit.as_millis()));
        }
    };
    let left = limits.whole_limit.saturating_sub(begun.elapsed());
    match timeout(left, talk(stream, word)).await {
        Ok(Ok(text)) => WordReply::Text(text),
        Ok(Err(error)) => WordReply::Unreachable(words(&error)),
        Err(_) => WordReply::Silent,
    }
}

async fn talk(mut stream: TcpStream, word: &str) -> std::io::Result<String> {
    stream.write_all(word.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused: nothing listens there".into(),
        std::io::ErrorKind::ConnectionReset => "the connection was reset".into(),
        _ => error.to_string(),
    }
}
