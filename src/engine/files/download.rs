//! Finds a file's record and opens its bytes, wherever they are by now.

use std::sync::Arc;

use super::failure::zk_fault;
use crate::adapters::blobs::BlobError;
use crate::adapters::zookeeper::registry::ReadFile;
use crate::domain::cause::{Cause, Fault};
use crate::domain::command::Rejected;
use crate::domain::event::{Event, Learned};
use crate::domain::file::FileEntry;
use crate::domain::ids::FileId;
use crate::engine::context::Context;
use crate::engine::handle::Download;

/// How often bytes are looked for that were moved away meanwhile.
const MOVED_TRIES: usize = 3;

/// What the state knows of a file that is requested.
pub enum Known {
    Entry(Arc<FileEntry>),
    Not(FileId),
}

/// # Errors
/// [`Rejected`]: there is no such file, nobody can say so now, or its bytes cannot be read.
pub async fn run(ctx: &Context, known: Known) -> Result<Download, Rejected> {
    let entry = match known {
        Known::Entry(entry) => entry,
        Known::Not(file) => find(ctx, file).await?,
    };
    if ctx.snapshot().damaged.iter().any(|damage| damage.file == entry.id) {
        // They may have been put right: whoever asks for them makes zkdeck look again.
        look(ctx, &entry).await;
    }
    open(ctx, entry).await
}

/// Looks for a file's record in the ensemble: another instance may have made it a moment ago, or the
/// records are still being read. Only the ensemble can say that there is no such file.
///
/// # Errors
/// [`Rejected`], also without a session.
pub async fn find(ctx: &Context, file: FileId) -> Result<Arc<FileEntry>, Rejected> {
    let disconnected = |cause: String| Rejected::Disconnected { since: None, cause };
    let Some(registry) = ctx.registry() else {
        let cause = ctx.snapshot().session.cause.clone();
        return Err(disconnected(cause.unwrap_or_else(|| "still connecting".into())));
    };
    let begun = ctx.marks.reading();
    match registry.find_file(file).await {
        Ok(ReadFile::Entry(entry)) => {
            ctx.emit(Event::FileChanged { entry: entry.clone(), learned: Learned::Read(begun) }).await;
            Ok(Arc::new(*entry))
        }
        Ok(ReadFile::Gone) => Err(Rejected::UnknownFile { given: file }),
        Ok(ReadFile::Unreadable { path, cause, .. }) => {
            Err(Rejected::NotPossible { what: format!("reading the record {path}"), why: cause })
        }
        Ok(ReadFile::Denied { path, cause }) => {
            Err(Rejected::Denied { what: format!("reading the record {path}"), why: cause })
        }
        Err(error) => Err(match zk_fault(&error) {
            Fault { cause: Cause::Unavailable, why } => disconnected(why),
            Fault { cause: Cause::Denied, why } => Rejected::Denied { what: format!("reading {file}"), why },
            Fault { why, .. } => Rejected::Internal { cause: why },
        }),
    }
}

/// A file that has just been moved is looked up again, since the record that was known names bytes which are in
/// the trash by now. Bytes that are not those of the record are told as such.
async fn open(ctx: &Context, mut entry: Arc<FileEntry>) -> Result<Download, Rejected> {
    let mut tries = 0;
    loop {
        let error = match ctx.blobs.open_verified(&entry).await {
            Ok(bytes) => return Ok(Download { entry, bytes }),
            Err(error) => error,
        };
        tries += 1;
        if (error.is_missing() || error.is_not_mounted()) && tries <= MOVED_TRIES {
            let now = find(ctx, entry.id).await?;
            if now.record.blob != entry.record.blob {
                entry = now;
                continue;
            }
        }
        if error.is_missing() || error.is_damaged() {
            tell(ctx, &entry, Some(error.to_string())).await;
        }
        return Err(broken(&error));
    }
}

async fn look(ctx: &Context, entry: &FileEntry) {
    match ctx.blobs.check(entry).await {
        Ok(_) => tell(ctx, entry, None).await,
        // The same is told when they are opened; of anything else this says nothing.
        Err(error) => tracing::debug!(file = %entry.id, "{error}"),
    }
}

async fn tell(ctx: &Context, entry: &FileEntry, problem: Option<String>) {
    ctx.emit(Event::BytesChecked { file: entry.id, blob: entry.record.blob, problem }).await;
}

fn broken(error: &BlobError) -> Rejected {
    let (what, why) = ("the download".to_owned(), error.to_string());
    if error.is_missing() || error.is_damaged() {
        Rejected::Damaged { what, why }
    } else if error.is_not_mounted() {
        Rejected::NotReady { what, why }
    } else if error.blames_source() {
        Rejected::Disk { what, why }
    } else {
        Rejected::NotPossible { what, why }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::sync::watch;

    use super::*;
    use crate::adapters::zookeeper::error::Refusal;
    use crate::adapters::zookeeper::fake::{FakeEnsemble, FakeRequest, RequestFate, Weather};
    use crate::adapters::zookeeper::layout::{BUCKET_DIGITS_DEFAULT, ZnodeLayout};
    use crate::adapters::zookeeper::registry::Registry;
    use crate::domain::file::blob_name;
    use crate::domain::fixtures;
    use crate::domain::snapshot::{Damage, Snapshot};
    use crate::engine::files::tests::{World, stored, world};

    async fn bytes(world: &World, known: Known) -> Result<Vec<u8>, Rejected> {
        let mut download = run(&world.ctx, known).await?;
        let mut all = Vec::new();
        download.bytes.read_to_end(&mut all).await.unwrap();
        Ok(all)
    }

    #[tokio::test]
    async fn only_the_ensemble_says_that_there_is_no_such_file() {
        let mut world = world().await;
        let entry = stored(&world).await;
        assert_eq!(bytes(&world, Known::Not(entry.id)).await.unwrap(), [0; 10], "another instance has made it");
        let gone = FileId::new(99);
        assert_eq!(bytes(&world, Known::Not(gone)).await.unwrap_err(), Rejected::UnknownFile { given: gone });
        world.ctx.link = watch::channel(None).1;
        let refused = bytes(&world, Known::Not(gone)).await.unwrap_err();
        assert!(matches!(refused, Rejected::Disconnected { .. }), "{refused:?}");
    }

    /// Reading is denied.
    struct Closed;

    impl Weather for Closed {
        fn fate(&self, _: FakeRequest<'_>) -> RequestFate {
            RequestFate::Refused(Refusal::NoAuth)
        }
    }

    #[tokio::test]
    async fn a_record_whose_acl_denies_reading_is_no_lost_session() {
        let (mut world, file, root) = (world().await, FileId::new(5), "/demo");
        let ensemble = FakeEnsemble::new(Arc::new(Closed));
        let registry = Registry::over(Arc::new(ensemble.connect(root)), ZnodeLayout::new(root, BUCKET_DIGITS_DEFAULT));
        let path = registry.layout().file(file);
        world.ctx.link = watch::channel(Some(registry)).1;
        let refused = find(&world.ctx, file).await.unwrap_err();
        let words = refused.to_string();
        assert!(refused.code() == "access-denied" && words.contains(&format!("setAcl {path}")), "{words}");
    }

    #[tokio::test]
    async fn a_file_that_was_moved_meanwhile_is_read_where_it_is() {
        let world = world().await;
        let before = stored(&world).await;
        let outcome = world.moved(&before).await;
        assert_eq!((outcome.done, world.bytes_at("zk1")), (1, 0));
        assert_eq!(bytes(&world, Known::Entry(before)).await.unwrap(), [0; 10]);
        assert!(world.checked().await.is_empty(), "a move is no damage");
    }

    #[tokio::test]
    async fn a_disk_that_is_not_mounted_is_no_damage_of_its_files() {
        let world = world().await;
        let entry = stored(&world).await;
        world.unmount("zk1");
        let refused = bytes(&world, Known::Entry(entry.clone())).await.unwrap_err();
        assert!(refused.code() == "not-ready" && refused.to_string().contains("uploads/zk1"), "{refused:?}");
        assert!(world.checked().await.is_empty());
        world.mount("zk1");
        assert_eq!(bytes(&world, Known::Entry(entry)).await.unwrap(), [0; 10]);
    }

    #[tokio::test]
    async fn who_asks_for_damaged_bytes_has_them_told_and_looked_at_again() {
        let mut world = world().await;
        let entry = stored(&world).await;
        let path = world.folder().join("uploads/zk1").join(blob_name(entry.id, entry.record.blob));
        std::fs::write(&path, [1; 10]).unwrap();
        let refused = bytes(&world, Known::Entry(entry.clone())).await.unwrap_err().to_string();
        assert!(refused.contains("is damaged"), "{refused}");
        std::fs::remove_file(&path).unwrap();
        for (what, make) in [("a link", 0), ("a folder", 1), ("a pipe", 2), ("no bytes", 3)] {
            match make {
                0 => std::os::unix::fs::symlink("/dev/null", &path).unwrap(),
                1 => std::fs::create_dir(&path).unwrap(),
                2 => rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap(),
                _ => {}
            }
            let refused = bytes(&world, Known::Entry(entry.clone())).await.unwrap_err();
            assert!(refused.code() == "damaged" && refused.to_string().contains(what), "{refused:?}");
            _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
        }
        let damage = Damage { file: entry.id, blob: entry.record.blob, cause: "its hash".into() };
        let picture = Snapshot { damaged: Arc::from([damage]), ..fixtures::snapshot() };
        world.ctx.snapshots = watch::channel(Arc::new(picture)).1;
        std::fs::write(&path, [0; 10]).unwrap();
        assert_eq!(bytes(&world, Known::Entry(entry.clone())).await.unwrap(), [0; 10]);
        let told = world.checked().await;
        assert_eq!((told.len(), told.last()), (6, Some(&(entry.id, false))), "{told:?}");
    }
}
