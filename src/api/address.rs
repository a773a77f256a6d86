//! Refuses an address that HTTP does not allow with words, where hyper gives an empty answer before any route:
//! `/api/logs?q=level>=WARN` typed raw.
//!
//! RFC 9112, section 3.2 forbids to correct such an address and go on. What is looked at is the first request
//! line of a connection, as `curl` sends it; later ones go to hyper as they are.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::http::StatusCode;
use axum::serve::{IncomingStream, Listener};
use percent_encoding::percent_encode_byte;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::error::{Fail, PROBLEM};

/// A longer line is hyper's to judge.
const LINE_MAX: usize = 16 * 1024;
/// What a refused caller may still send, so that the answer reaches it before the end of the connection.
const DROPPED_MAX: usize = 256 * 1024;
/// Of an address, in a message.
const SHOWN_MAX: usize = 300;

/// A listener that looks at the [`FirstLine`] of each connection.
pub(super) struct Looking(pub(super) TcpListener);

/// Who has connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Listener for Looking {
    type Io = FirstLine<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (FirstLine { stream, stage: FirstLineStage::Line(Vec::new()) }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Looking>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Looking>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A connection whose first line is looked at.
pub(super) struct FirstLine<S> {
    stream: S,
    stage: FirstLineStage,
}

enum FirstLineStage {
    /// The first line, as far as it has come.
    Line(Vec<u8>),
    /// Looked at; the reader gets it from here on.
    Give(Vec<u8>, usize),
    Through,
    /// The answer, as far as it is sent.
    Refuse(Vec<u8>, usize),
    /// Answered; what still comes is dropped, so many bytes so far.
    Drop(usize),
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for FirstLine<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, stage } = self.get_mut();
        loop {
            match stage {
                FirstLineStage::Through => return Pin::new(stream).poll_read(cx, buf),
                FirstLineStage::Give(line, at) => {
                    let given = buf.remaining().min(line.len() - *at);
                    buf.put_slice(&line[*at..*at + given]);
                    *at += given;
                    if *at == line.len() {
                        *stage = FirstLineStage::Through;
                    }
                    return Poll::Ready(Ok(()));
                }
                FirstLineStage::Line(line) => {
                    let more = ready!(poll_piece(stream, cx))?;
                    let ended = more.is_empty();
                    line.extend(more);
                    if ended || line.contains(&b'\n') || line.len() >= LINE_MAX {
                        let line = std::mem::take(line);
                        *stage = match refusal(&line) {
                            Some(answer) => FirstLineStage::Refuse(answer, 0),
                            None => FirstLineStage::Give(line, 0),
                        };
                    }
                }
                FirstLineStage::Refuse(answer, at) if *at < answer.len() => {
                    *at += ready!(Pin::new(&mut *stream).poll_write(cx, &answer[*at..]))?;
                }
                FirstLineStage::Refuse(..) => {
                    ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
                    *stage = FirstLineStage::Drop(0);
                }
                FirstLineStage::Drop(dropped) => {
                    let more = ready!(poll_piece(stream, cx))?.len();
                    *dropped += more;
                    if more == 0 || *dropped > DROPPED_MAX {
                        // For the reader the connection has ended without a request.
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

/// What comes next; nothing at the end.
fn poll_piece<S: AsyncRead + Unpin>(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
    let mut piece = [0; 2048];
    let mut buf = ReadBuf::new(&mut piece);
    ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(buf.filled().to_vec()))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstLine<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The answer to a first line whose address holds what none may; `None` for any other line.
fn refusal(sent: &[u8]) -> Option<Vec<u8>> {
    let line = sent.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    let (method, rest) = line.split_at(line.iter().position(|byte| *byte == b' ')?);
    let known = !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
    let target = rest.strip_suffix(b" HTTP/1.1").or_else(|| rest.strip_suffix(b" HTTP/1.0"))?.strip_prefix(b" ")?;
    let first = *target.iter().find(|byte| !may_stand(**byte)).filter(|_| known)?;
    let written: String = target.iter().map(written).collect();
    let shown: String = written.chars().take(SHOWN_MAX).collect();
    let message = format!(
        "an address may not hold {:?} as it is; write {}, as in {shown}, or let curl do it: curl -G URL \
         --data-urlencode 'q=level>=WARN'",
        char::from(first),
        percent_encode_byte(first)
    );
    let body = Fail::new(StatusCode::BAD_REQUEST, "address", message).body().to_string();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    Some((head + &body).into_bytes())
}

/// What hyper takes in a path or a query; bytes above ASCII are its to judge.
const fn may_stand(byte: u8) -> bool {
    matches!(byte, 0x21 | b'#'..=b';' | b'=' | b'?'..=b'~' | 0x80..)
}

fn written(byte: &u8) -> String {
    if may_stand(*byte) && byte.is_ascii() { char::from(*byte).to_string() } else { percent_encode_byte(*byte).into() }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn told(line: &str) -> Option<String> {
        let answer = String::from_utf8(refusal(line.as_bytes())?).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "address");
        Some(body["error"]["message"].as_str().unwrap().to_owned())
    }

    #[test]
    fn what_no_address_may_hold_is_told_as_it_has_to_be_written() {
        let raw = told("GET /api/logs?q=level>=WARN HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(
            raw.starts_with("an address may not hold '>' as it is; write %3E, as in /api/logs?q=level%3E=WARN,"),
            "{raw}"
        );
        for (line, part) in [
            ("GET /api/logs?q=\"timed HTTP/1.1\r\n", "%22"),
            ("GET /api/logs?q=timed out HTTP/1.1\r\n", "%20"),
            ("GET /a<b HTTP/1.0\n", "%3C"),
            ("GET /a\u{7f} HTTP/1.1\r\n", "%7F"),
        ] {
            assert!(told(line).is_some_and(|told| told.contains(part)), "{line}");
        }
    }

    #[test]
    fn every_other_line_is_hypers() {
        for line in [
            "GET /api/logs?q=level%3E=WARN&from=1h HTTP/1.1\r\n",
            "POST /api/files?name=a%20b{}|^~ HTTP/1.1\r\n",
            "GET /caf\u{e9} HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n",
            "> HTTP/1.1\r\n",
            "\u{16}\u{3}\u{1}",
            "",
            "GET /a>b",
        ] {
            assert_eq!(told(line), None, "{line:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_caller_gets_its_answer_and_the_end_and_another_is_read_whole() {
        let (mut caller, stream) = tokio::io::duplex(1 << 20);
        let mut looked = FirstLine { stream, stage: FirstLineStage::Line(Vec::new()) };
        caller.write_all(b"GET /a>").await.unwrap();
        let (mut nothing, mut answer) = (Vec::new(), String::new());
        let (read, _) = tokio::join!(looked.read_to_end(&mut nothing), async {
            caller.write_all(b"b HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            caller.read_to_string(&mut answer).await.unwrap();
            caller.shutdown().await.unwrap();
        });
        assert_eq!((read.unwrap(), answer.starts_with("HTTP/1.1 400 ")), (0, true));

        let (mut caller, stream) = tokio::io::duplex(1 << 20);
        let mut looked = FirstLine { stream, stage: FirstLineStage::Line(Vec::new()) };
        let whole = format!("POST /a HTTP/1.1\r\n\r\n{}", "x".repeat(10_000));
        caller.write_all(whole.as_bytes()).await.unwrap();
        caller.shutdown().await.unwrap();
        let mut read = String::new();
        looked.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, whole);
    }
}
