//! An upload's bytes on their way from the connection to the engine, and the wait for its end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use tokio_util::io::StreamReader;
use tokio_util::sync::CancellationToken;

use super::error::Fail;
use super::outcome;
use crate::domain::operation::Operation;
use crate::engine::handle::{BodyFault, ByteSource, Handle, PendingOperation};

/// Longest upload.
const BODY_LIMIT: Duration = Duration::from_secs(3600);
/// Longest wait for the end once all bytes are in.
const END_WAIT: Duration = Duration::from_secs(30);

/// The body as a source of bytes that says why it ends early. The token is cancelled when nobody reads it
/// any more.
pub(super) fn source(body: Body, handle: Handle) -> (ByteSource, CancellationToken) {
    let read = CancellationToken::new();
    let guard = read.clone().drop_guard();
    let ending = stream::once(async move {
        handle.stopping().await;
        Err(BodyFault::Ending.into())
    });
    // The body's end ends the whole, although the program may run for long.
    let pieces = body
        .into_data_stream()
        .map(|piece| piece.map_err(|error| broken(&error)).map(Some))
        .chain(stream::iter([Ok(None)]));
    let bytes = stream::select_with_strategy(ending.boxed(), pieces.boxed(), |&mut ()| stream::PollNext::Left)
        .take_while(|piece| std::future::ready(!matches!(piece, Ok(None))))
        .filter_map(|piece: Result<_, std::io::Error>| std::future::ready(piece.transpose()))
        .inspect(move |_| _ = &guard);
    (Box::pin(StreamReader::new(bytes.boxed())), read)
}

fn broken(error: &axum::Error) -> std::io::Error {
    BodyFault::Broken(error.to_string()).into()
}

/// Waits as long as bytes come in, and a while for the end after the last one.
pub(super) async fn ended(pending: &mut PendingOperation, read: CancellationToken) -> Result<Arc<Operation>, Fail> {
    let undecided = Fail::undecided(pending.accepted.operation);
    let late = async {
        read.cancelled().await;
        tokio::time::sleep(END_WAIT).await;
    };
    tokio::select! {
        biased;
        end = pending.ended(BODY_LIMIT) => end.map_or(Err(undecided), outcome::done),
        () = late => Err(undecided),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::domain::fixtures::snapshot;

    async fn read(body: Body, stop: bool) -> std::io::Result<Vec<u8>> {
        let (handle, end) = Handle::pair(Arc::new(snapshot()));
        let (mut bytes, _) = source(body, handle);
        if stop {
            end.stop.cancel();
        }
        let mut all = Vec::new();
        bytes.read_to_end(&mut all).await.map(|_| all)
    }

    #[tokio::test]
    async fn a_body_ends_when_the_program_does() {
        let endless = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let fault = BodyFault::of(&read(endless, true).await.unwrap_err());
        assert_eq!(fault, BodyFault::Ending);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_says_so_and_a_whole_one_is_whole() {
        assert_eq!(read(Body::from("abc"), false).await.unwrap(), b"abc");
        let pieces = [Ok(b"ab".to_vec()), Err(std::io::Error::other("reset"))];
        let fault = BodyFault::of(&read(Body::from_stream(stream::iter(pieces)), false).await.unwrap_err());
        assert!(matches!(fault, BodyFault::Broken(why) if why.contains("reset")));
    }
}
