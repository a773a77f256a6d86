//! Bytes to the terminal, written by a thread of their own: a terminal that takes nothing must not
//! hold the loop that hears keys and signals.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

/// Room for a frame; larger ones grow it once.
const FRAME_BYTES: usize = 64 * 1024;
/// How long the end waits for the frame on its way.
const END_LIMIT: Duration = Duration::from_millis(300);

/// One frame at a time is on its way; the loop draws again when it is out.
#[derive(Debug)]
pub struct FrameOutput {
    /// `None` only while it is dropped.
    frames: Option<SyncSender<Vec<u8>>>,
    written: mpsc::Receiver<io::Result<Vec<u8>>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    spare: Option<Vec<u8>>,
}

impl FrameOutput {
    /// Starts the thread that writes to `tty`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(tty: File) -> io::Result<Self> {
        let (frames, incoming) = sync_channel::<Vec<u8>>(1);
        let (done, written) = mpsc::channel(1);
        let (alive, ended) = sync_channel::<()>(0);
        thread::Builder::new().name("zkdeck-screen".into()).spawn(move || {
            let (mut tty, _alive) = (tty, alive);
            while let Ok(mut frame) = incoming.recv() {
                let outcome = tty.write_all(&frame);
                frame.clear();
                if done.blocking_send(outcome.map(|()| frame)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { frames: Some(frames), written, ended, spare: Some(Vec::with_capacity(FRAME_BYTES)) })
    }

    /// Whether the last frame is out.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.spare.is_some()
    }

    /// An empty frame to fill, when the last one is out.
    pub const fn take(&mut self) -> Option<Vec<u8>> {
        self.spare.take()
    }

    /// Sends a frame from [`FrameOutput::take`] on its way; an empty one costs nothing.
    pub fn send(&mut self, frame: Vec<u8>) {
        if frame.is_empty() {
            self.spare = Some(frame);
        } else if let Some(frames) = &self.frames {
            // The thread ends only with this struct or after an error, which `written` has told.
            _ = frames.try_send(frame);
        }
    }

    /// Waits until the frame on its way is out; for ever when there is none. May be dropped.
    ///
    /// # Errors
    /// What the terminal answered; it takes nothing any more then.
    pub async fn written(&mut self) -> io::Result<()> {
        if self.spare.is_some() {
            return std::future::pending().await;
        }
        let outcome = self.written.recv().await;
        self.spare = Some(outcome.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))?);
        Ok(())
    }
}

impl Drop for FrameOutput {
    /// After a panic too, nothing may be written behind the last words.
    fn drop(&mut self) {
        self.frames = None;
        _ = self.ended.recv_timeout(END_LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[tokio::test]
    async fn one_frame_is_on_its_way_at_a_time() {
        let (mut reader, writer) = io::pipe().expect("pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut output = FrameOutput::start(file).expect("thread");
        let mut frame = output.take().expect("spare");
        frame.extend_from_slice(b"one");
        output.send(frame);
        assert!(!output.is_ready() && output.take().is_none());
        output.written().await.expect("written");
        let frame = output.take().expect("spare again");
        assert!(frame.is_empty());
        output.send(frame);
        assert!(output.is_ready(), "an empty frame is not written");
        drop(output);
        let mut all = String::new();
        reader.read_to_string(&mut all).expect("read");
        assert_eq!(all, "one");
    }

    #[tokio::test]
    async fn a_terminal_that_is_gone_is_an_error() {
        let (reader, writer) = io::pipe().expect("pipe");
        drop(reader);
        let mut output = FrameOutput::start(File::from(std::os::fd::OwnedFd::from(writer))).expect("thread");
        let mut frame = output.take().expect("spare");
        frame.push(b'x');
        output.send(frame);
        assert!(output.written().await.is_err());
    }
}
