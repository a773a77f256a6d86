//! A file's bytes between two processes, on a connection of their own: first what is wanted and its answer, then the
//! bytes, then that these were all of them. Bytes that end without that are not the file.

use std::io;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::time::{interval, timeout};
use tokio_util::io::StreamReader;

use super::wire::{BEAT, EngineMessage, FrontMessage, SILENCE, frame, read};
use super::{BodyFault, ByteSource, Download, Frame, Handle, Link, Lost, Upload};
use crate::domain::command::{Accepted, Actor, Rejected};
use crate::domain::ids::FileId;
use crate::engine::operations::RowSender;

/// Bytes of one message.
const PART: usize = 64 * 1024;
/// Parts that wait between the connection and the disk.
const PARTS_MAX: usize = 4;

/// Ends with `None`.
type PartSender = mpsc::Sender<Option<io::Result<Bytes>>>;

/// Takes in the file that comes on this connection, and tells how its operation goes until it ends.
pub(super) async fn take_in(handle: &Handle, link: &mut Link, upload: Upload, actor: Actor) -> Result<(), Lost> {
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    let mut pending = match handle.upload(upload, source(received(receiver)), actor).await {
        Ok(pending) => pending,
        Err(why) => return link.send(frame(&EngineMessage::Upload(Err(why)))?).await,
    };
    link.send(frame(&EngineMessage::Upload(Ok(pending.accepted.clone())))?).await?;
    let (mut parts, mut rows_come) = (Some(sender), true);
    let mut ending = pin!(handle.stopping());
    let mut beat = interval(BEAT);
    // What came and has no place yet: the disk may take longer than the front waits for a word.
    let mut waiting = None;
    while parts.is_some() || rows_come {
        tokio::select! {
            row = pending.next_row(), if rows_come => {
                let Some(row) = row else {
                    rows_come = false;
                    continue;
                };
                let is_final = row.status.is_final();
                link.send(frame(&EngineMessage::UploadRow(row))?).await?;
                if is_final {
                    return Ok(());
                }
            }
            () = &mut ending => {
                if let Some(parts) = parts.take() {
                    // A reader that is gone needs no reason.
                    _ = parts.send(Some(Err(BodyFault::Ending.into()))).await;
                }
                return Ok(());
            }
            _ = beat.tick() => link.send(frame(&EngineMessage::Here)?).await?,
            place = place_in(parts.as_ref()), if waiting.is_some() => {
                let Some(part) = waiting.take() else { continue };
                let goes_on = matches!(part, Some(Ok(_)));
                // A reader that is gone has what it needs, or the operation tells why it has not.
                let is_read = place.map(|place| place.send(part)).is_some();
                if !goes_on || !is_read {
                    parts = None;
                }
            }
            said = link.next(), if waiting.is_none() => {
                if parts.is_none() {
                    // Nothing is due any more but that the front is there.
                    match said {
                        Some(_) => continue,
                        None => return Ok(()),
                    }
                }
                waiting = Some(part(said, |request| match request {
                    FrontMessage::End(end) => Some(end),
                    _ => None,
                }));
            }
        }
    }
    Ok(())
}

/// A place for the next part; `None` when nobody reads them any more.
async fn place_in(parts: Option<&PartSender>) -> Option<OwnedPermit<Option<io::Result<Bytes>>>> {
    parts?.clone().reserve_owned().await.ok()
}

/// Gives out a file's bytes.
pub(super) async fn give_out(handle: &Handle, link: &mut Link, file: FileId) -> Result<(), Lost> {
    let Download { entry, mut bytes } = match beside_beats(link, handle.download(file)).await? {
        Ok(download) => download,
        Err(why) => return link.send(frame(&EngineMessage::Download(Err(why)))?).await,
    };
    link.send(frame(&EngineMessage::Download(Ok(entry)))?).await?;
    let end = loop {
        match beside_beats(link, next_part(&mut bytes)).await? {
            Ok(Some(part)) => link.send(Frame::Bytes(part)).await?,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.to_string()),
        }
    };
    link.send(frame(&EngineMessage::End(end))?).await
}

/// Says that it is there for as long as something takes: a file that is told as damaged is read first.
async fn beside_beats<T>(link: &mut Link, work: impl Future<Output = T>) -> Result<T, Lost> {
    let (mut work, mut beat) = (pin!(work), interval(BEAT));
    beat.reset();
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            _ = beat.tick() => link.send(frame(&EngineMessage::Here)?).await?,
        }
    }
}

/// Asks the other process to take a file in.
pub(super) async fn offer(link: &mut Link, upload: Upload, actor: Actor) -> Result<Result<Accepted, Rejected>, Lost> {
    link.send(frame(&FrontMessage::Upload { upload, actor })?).await?;
    match next_message(link).await? {
        EngineMessage::Upload(answer) => Ok(answer),
        _ => Err(Lost("the daemon answers an upload with something else".into())),
    }
}

/// Sends the bytes of a file that was accepted, and gives its operation's rows to `rows`.
pub(super) async fn send(link: &mut Link, mut bytes: ByteSource, rows: Option<RowSender>) -> Result<(), Lost> {
    let mut all_sent = false;
    // An operation that its process leaves to another one may have no last row here.
    let nobody_waits = async {
        if let Some(rows) = &rows {
            rows.closed().await;
        }
    };
    let mut nobody_waits = pin!(nobody_waits);
    loop {
        tokio::select! {
            () = &mut nobody_waits, if all_sent => return Ok(()),
            part = next_part(&mut bytes), if !all_sent => {
                all_sent = !matches!(part, Ok(Some(_)));
                let part = match part {
                    Ok(Some(part)) => Frame::Bytes(part),
                    Ok(None) => frame(&FrontMessage::End(Ok(())))?,
                    Err(error) => frame(&FrontMessage::End(Err(error.to_string())))?,
                };
                link.send(part).await?;
            }
            told = next_message(link) => {
                let EngineMessage::UploadRow(row) = told? else { continue };
                let is_final = row.status.is_final();
                if let Some(rows) = &rows {
                    rows.send_replace(Some(row));
                }
                if is_final {
                    return Ok(());
                }
            }
        }
    }
}

/// Asks the other process for a file.
pub(super) async fn fetch(mut link: Link, file: FileId) -> Result<Result<Download, Rejected>, Lost> {
    link.send(frame(&FrontMessage::Download { file })?).await?;
    let entry = match next_message(&mut link).await? {
        EngineMessage::Download(Ok(entry)) => entry,
        EngineMessage::Download(Err(why)) => return Ok(Err(why)),
        _ => return Err(Lost("the daemon answers a download with something else".into())),
    };
    let parts = stream::unfold(Some(link), async |link| {
        let mut link = link?;
        let said = match next_frame(&mut link).await {
            Ok(said) => said,
            Err(lost) => return Some((Err(io::Error::other(lost)), None)),
        };
        let part = part(said, |told| match told {
            EngineMessage::End(end) => Some(end),
            _ => None,
        })?;
        let goes_on = part.is_ok();
        Some((part, goes_on.then_some(link)))
    });
    Ok(Ok(Download { entry, bytes: source(parts) }))
}

/// What the other process says next, beside that it is there.
pub(super) async fn next_message(link: &mut Link) -> Result<EngineMessage, Lost> {
    match next_frame(link).await? {
        Some(Frame::Text(text)) => read(&text),
        Some(Frame::Bytes(_)) => Err(Lost("bytes came that belong to no file".into())),
        None => Err(Lost("the connection to the daemon ended".into())),
    }
}

/// The next frame of the other process that says more than that it is there; `None` when the connection ended.
async fn next_frame(link: &mut Link) -> Result<Option<Frame>, Lost> {
    loop {
        let silent = |_| Lost(format!("the daemon has said nothing for {} s", SILENCE.as_secs()));
        match timeout(SILENCE, link.next()).await.map_err(silent)? {
            Some(Frame::Text(text)) if matches!(read(&text), Ok(EngineMessage::Here)) => {}
            said => return Ok(said),
        }
    }
}

/// The next part of a file; `None` after the last one.
fn part<T: DeserializeOwned>(
    said: Option<Frame>,
    end: fn(T) -> Option<Result<(), String>>,
) -> Option<io::Result<Bytes>> {
    let why = match said {
        Some(Frame::Bytes(bytes)) => return Some(Ok(bytes)),
        Some(Frame::Text(text)) => match read(&text).map(end) {
            Ok(Some(Ok(()))) => return None,
            Ok(Some(Err(why))) => why,
            Ok(None) => "words came where a file's bytes were due".to_owned(),
            Err(lost) => lost.to_string(),
        },
        None => return Some(Err(broken_off())),
    };
    Some(Err(io::Error::other(why)))
}

fn broken_off() -> io::Error {
    io::Error::other("the connection ended before the file's bytes did")
}

async fn next_part(bytes: &mut ByteSource) -> io::Result<Option<Bytes>> {
    let mut part = BytesMut::with_capacity(PART);
    let count = bytes.read_buf(&mut part).await?;
    Ok((count > 0).then(|| part.freeze()))
}

/// The parts up to the `None` that says that they were all: whoever stops before that has broken it off.
fn received(receiver: mpsc::Receiver<Option<io::Result<Bytes>>>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        let part = receiver.recv().await.unwrap_or_else(|| Some(Err(broken_off())))?;
        let goes_on = part.is_ok();
        Some((part, goes_on.then_some(receiver)))
    })
}

fn source(parts: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> ByteSource {
    Box::pin(StreamReader::new(Box::pin(parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As when nothing more can be sent to the front: the connection is given up before it says that it has ended.
    #[tokio::test]
    async fn parts_without_their_end_are_broken_off() {
        for whole in [false, true] {
            let (sender, receiver) = mpsc::channel(PARTS_MAX);
            sender.send(Some(Ok(Bytes::from_static(b"half")))).await.expect("taken");
            if whole {
                sender.send(None).await.expect("taken");
            }
            drop(sender);
            let mut all = Vec::new();
            let read = source(received(receiver)).read_to_end(&mut all).await;
            let why = read.err().map(|error| error.to_string());
            let expected = (!whole).then(|| "the connection ended before the file's bytes did".to_owned());
            assert_eq!((why, all.as_slice()), (expected, &b"half"[..]));
        }
    }
}
