//! A handle on an engine of another process, both in this one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Dial, Frame, Guest, Handle, HandleEnd, Link, Lost, connect, serve};
use crate::domain::snapshot::Snapshot;

/// The way between a front and an engine.
#[derive(Clone)]
pub struct Connection {
    pub dial: Dial,
    /// Bytes that the engine's side has told.
    pub told: Arc<AtomicUsize>,
    cut: Arc<std::sync::Mutex<CancellationToken>>,
}

impl Connection {
    /// To the engine behind `handle`.
    #[expect(clippy::disallowed_methods, reason = "what a test runs beside itself ends with its runtime")]
    pub fn to(handle: Handle, guest: Guest) -> Self {
        let (told, cut) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(CancellationToken::new())));
        let way = (Arc::clone(&told), Arc::clone(&cut));
        let dial: Dial = Arc::new(move || {
            let ((near, mut middle_near), (mut middle_far, far)) = (Link::pair(), Link::pair());
            let (told, cut) = (Arc::clone(&way.0), way.1.lock().expect("no panic").clone());
            tokio::spawn(serve(handle.clone(), far, guest.clone()));
            tokio::spawn(cut.run_until_cancelled_owned(async move {
                // What one side has said before it ended still reaches the other.
                let mut takes = true;
                loop {
                    tokio::select! {
                        frame = middle_near.next(), if takes => match frame {
                            Some(frame) => takes = middle_far.send(frame).await.is_ok(),
                            None => break,
                        },
                        frame = middle_far.next() => {
                            let Some(frame) = frame else { break };
                            told.fetch_add(size(&frame), Ordering::Relaxed);
                            if middle_near.send(frame).await.is_err() {
                                break;
                            }
                        }
                    }
                }
            }));
            std::future::ready(Ok(near)).boxed()
        });
        Self { dial, told, cut }
    }

    /// Breaks every connection there is; new ones can be made.
    pub fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().expect("no panic")).cancel();
    }

    /// Connects, and runs what follows beside the test.
    #[expect(clippy::disallowed_methods, reason = "what a test runs beside itself ends with its runtime")]
    pub async fn connect(&self) -> Result<Handle, Lost> {
        let (front, remote) = connect(Arc::clone(&self.dial)).await?;
        tokio::spawn(remote.run());
        Ok(front)
    }
}

fn size(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Bytes(bytes) => bytes.len(),
    }
}

/// A front that may all there is, from `10.0.0.7`.
pub fn guest() -> Guest {
    Guest {
        peer: "10.0.0.7".into(),
        upload_limit: 1 << 30,
        uploads: (Arc::new(Semaphore::new(2)), 2),
        no_control: None,
    }
}

/// As [`Handle::pair`], with a connection between both.
pub async fn remote_pair(first: Arc<Snapshot>) -> (Handle, HandleEnd) {
    let (engine, end) = Handle::pair(first);
    (Connection::to(engine, guest()).connect().await.expect("connected"), end)
}

/// Bytes that cannot be read, for this reason.
pub struct Broken(pub &'static str);

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other(self.0)))
    }
}
