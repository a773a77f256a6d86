//! A connection, whatever carries it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::PollSender;

/// Frames that may wait on each way inside a process; who sends more waits.
const FRAMES_MAX: usize = 16;
/// A text is taken within this, or the other end is given up.
const TEXT_LIMIT: Duration = Duration::from_secs(10);
/// A file's bytes wait for the disk and for the ensemble at the other end: longer than either is waited for there.
const BYTES_LIMIT: Duration = Duration::from_secs(180);

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    /// Of a file, on a connection of its own.
    Bytes(Bytes),
}

/// One end of a connection; dropping it ends the connection.
pub struct Link {
    sender: Pin<Box<dyn Sink<Frame, Error = Lost> + Send>>,
    receiver: BoxStream<'static, Frame>,
}

impl Link {
    /// The end of a connection that takes frames and gives them.
    pub fn new(
        sender: impl Sink<Frame, Error = Lost> + Send + 'static,
        receiver: impl futures_util::Stream<Item = Frame> + Send + 'static,
    ) -> Self {
        Self { sender: Box::pin(sender), receiver: receiver.fuse().boxed() }
    }

    /// Both ends of a connection inside this process.
    #[must_use]
    pub fn pair() -> (Self, Self) {
        let ((left_out, right_in), (right_out, left_in)) = (mpsc::channel(FRAMES_MAX), mpsc::channel(FRAMES_MAX));
        (Self::inside(left_out, left_in), Self::inside(right_out, right_in))
    }

    fn inside(sender: mpsc::Sender<Frame>, receiver: mpsc::Receiver<Frame>) -> Self {
        let sender = PollSender::new(sender).sink_map_err(|_| Lost("the other end is gone".into()));
        let receiver = futures_util::stream::unfold(receiver, async |mut receiver| {
            let frame = receiver.recv().await?;
            Some((frame, receiver))
        });
        Self::new(sender, receiver)
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// [`Lost`] when the other end is gone, or takes nothing for too long.
    pub async fn send(&mut self, frame: Frame) -> Result<(), Lost> {
        let limit = match frame {
            Frame::Text(_) => TEXT_LIMIT,
            Frame::Bytes(_) => BYTES_LIMIT,
        };
        let late = |_| Err(Lost(format!("the other end takes nothing for {} s", limit.as_secs())));
        timeout(limit, self.sender.send(frame)).await.unwrap_or_else(late)
    }

    /// The next frame; `None` when the other end is gone. May be dropped.
    pub async fn next(&mut self) -> Option<Frame> {
        self.receiver.next().await
    }
}

/// Why there is no connection: which address, the cause, the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub String);

/// Makes a connection to one daemon, as often as one is wanted.
pub type Dial = Arc<dyn Fn() -> BoxFuture<'static, Result<Link, Lost>> + Send + Sync>;
