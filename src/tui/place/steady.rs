//! A file that is read from its beginning to its end as it was when it was opened: what is sent of it is never half of
//! one and half of another.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::fstat;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

/// What tells one content of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Content {
    size: u64,
    /// Of the last change: seconds and their parts.
    changed: (i64, i64),
}

impl Content {
    fn of(file: &File) -> io::Result<Self> {
        let stat = fstat(file)?;
        let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
        Ok(Self { size: u64::try_from(stat.st_size).unwrap_or_default(), changed: (stat.st_mtime, nanos) })
    }
}

/// The file; its end is an error where it is not as it was.
#[derive(Debug)]
pub(super) struct SteadyFile {
    file: File,
    at_first: Content,
    read: u64,
}

impl SteadyFile {
    pub(super) fn of(file: File) -> io::Result<Self> {
        let at_first = Content::of(&file)?;
        Ok(Self { file, at_first, read: 0 })
    }

    /// Bytes that it has.
    pub(super) const fn size(&self) -> u64 {
        self.at_first.size
    }

    /// At the end of the file, or beyond what it had.
    fn check(&self) -> io::Result<()> {
        let is_steady = self.read == self.at_first.size && Content::of(&self.file)? == self.at_first;
        is_steady.then_some(()).ok_or_else(|| io::Error::other("it changed while it was read"))
    }
}

impl AsyncRead for SteadyFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.file).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = &read {
            let count = (buffer.filled().len() - before) as u64;
            self.read += count;
            if (count == 0 && room > 0) || self.read > self.at_first.size {
                // An error comes without bytes.
                self.check().inspect_err(|_| buffer.set_filled(before))?;
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn read_while(size: usize, change: impl FnOnce(&Path)) -> io::Result<usize> {
        let folder = tempfile::tempdir().expect("temp");
        let path = folder.path().join("file");
        std::fs::write(&path, vec![1; size]).expect("written");
        // Time enough for a change to have another time.
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(past)).expect("dated");
        let mut file = SteadyFile::of(File::open(&path).await.expect("opened")).expect("known");
        assert_eq!(file.size(), size as u64);
        let mut bytes = vec![0; 10];
        file.read_exact(&mut bytes[..size.min(10)]).await?;
        change(&path);
        Ok(file.read_to_end(&mut bytes).await? + size.min(10))
    }

    #[tokio::test]
    async fn a_file_that_stays_as_it_is_is_read_whole() {
        for size in [0, 5, 10, 500_000] {
            assert_eq!(read_while(size, |_| {}).await.expect("whole"), size);
        }
    }

    #[tokio::test]
    async fn a_file_that_changes_meanwhile_is_an_error() {
        let open = |path: &Path| std::fs::File::options().write(true).open(path).expect("opened");
        let shrink = |path: &Path| open(path).set_len(1000).expect("cut");
        let grow = |path: &Path| open(path).set_len(9_000_000).expect("grown");
        let rewrite = |path: &Path| open(path).write_all(b"other").expect("written");
        for change in [&shrink as &dyn Fn(&Path), &grow, &rewrite] {
            let told = read_while(5_000_000, change).await.expect_err("it changed").to_string();
            assert_eq!(told, "it changed while it was read");
        }
    }
}
