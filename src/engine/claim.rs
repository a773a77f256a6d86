//! Makes a folder the store of an ensemble that has none.

use crate::adapters::blobs::{BlobError, BlobStore};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::Registry;

/// Why it is not known whose a folder is.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Zk(#[from] ZkError),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// Offers the folder to the ensemble; the store that the ensemble has then, which is another one when somebody was
/// quicker. An empty folder has an id only once the ensemble has taken it: it is in nobody's way else.
///
/// # Errors
/// [`ScanError`] when either cannot be read or written. The next try goes on where this one ended.
pub async fn claim(blobs: &BlobStore, registry: &Registry) -> Result<String, ScanError> {
    let ours = blobs.offer().await?;
    let theirs = registry.claim_store(&ours).await?;
    blobs.look_for_id(Some(&theirs)).await?;
    if ours != theirs {
        blobs.withdraw_offer().await?;
    }
    Ok(theirs)
}
