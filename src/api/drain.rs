//! What a client still sends after it was answered: read and dropped, so that the answer reaches it.
//!
//! A connection that is closed with bytes unread is reset, and a reset takes the answer with it. So the
//! rest of a body that no handler has read goes on being read here, up to a limit, while the answer is on
//! its way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Bytes that are read after the answer; a client that sends more is cut off.
const BYTES_MAX: usize = 64 << 20;
/// How long that may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Bodies that are read at the same time; others are cut off.
const BODIES_MAX: usize = 64;

/// Where bodies go that nobody reads to their end.
#[derive(Clone, Debug)]
pub(super) struct Drain(mpsc::Sender<Body>);

impl Drain {
    /// The way in, and the bodies to be read by [`read`].
    pub(super) fn new() -> (Self, mpsc::Receiver<Body>) {
        let (sender, receiver) = mpsc::channel(BODIES_MAX);
        (Self(sender), receiver)
    }
}

/// Hands what the handler leaves of the body to the drain. A client that waits for the word to go on sends
/// nothing once it is refused.
pub(super) async fn keep(State(drain): State<Drain>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Rest { body: Some(body), drain }))).await
}

/// Reads bodies until the sender is gone.
pub(super) async fn read(mut bodies: mpsc::Receiver<Body>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            body = bodies.recv(), if under_way.len() < BODIES_MAX => match body {
                Some(body) => under_way.push(timeout(TIME_MAX, read_one(body))),
                None => break,
            },
            Some(_) = under_way.next() => {}
        }
    }
}

async fn read_one(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > BYTES_MAX {
            break;
        }
    }
}

/// A body that goes to the drain when it is dropped before its end.
struct Rest {
    body: Option<Body>,
    drain: Drain,
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            _ = self.drain.0.try_send(body);
        }
    }
}
