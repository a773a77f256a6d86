//! A connection, whatever carries it.

use std::fmt::Display;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::PollSender;

use crate::domain::ask::Gone;

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
        receiver: impl Stream<Item = Frame> + Send + 'static,
    ) -> Self {
        Self { sender: Box::pin(sender), receiver: receiver.fuse().boxed() }
    }

    /// The end of a connection that a socket carries. `write` makes its message of a frame, `read` the frame of a
    /// message, `None` of one that is the connection's own.
    pub fn over<M: Send + 'static, E: Display + Send + 'static>(
        socket: impl Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send + 'static,
        write: fn(Frame) -> M,
        read: fn(M) -> Option<Frame>,
    ) -> Self {
        let (sender, receiver) = socket.split();
        let sender = sender.sink_map_err(|error| Lost(format!("the connection broke: {error}")));
        let receiver = receiver.take_while(|message| ready(message.is_ok()));
        let receiver = receiver.filter_map(move |message| ready(message.ok().and_then(read)));
        Self::new(sender.with(move |frame| ready(Ok(write(frame)))), receiver)
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

impl From<&Lost> for Gone {
    fn from(lost: &Lost) -> Self {
        Self::Unreachable(lost.to_string())
    }
}

/// Why there is no connection: which address, the cause, the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub String);

/// Makes a connection to one daemon, as often as one is wanted.
pub type Dial = Arc<dyn Fn() -> BoxFuture<'static, Result<Link, Lost>> + Send + Sync>;
