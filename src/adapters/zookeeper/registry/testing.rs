//! Records as other processes make them.

use super::{Fence, Registry};
use crate::domain::file::FileEntry;
use crate::domain::fixtures::upload_of;

impl Registry {
    /// Makes the record of a file, as an upload does from its intent to its end.
    pub(crate) async fn uploaded(&self, entry: &FileEntry, fence: &Fence) {
        let (attempt, intent) = (entry.record.blob, upload_of(entry));
        self.prepare(&[(attempt, intent.clone())], fence).await.unwrap();
        self.commit_upload(attempt, (&intent, 0), entry.id, &entry.record, fence).await.unwrap();
        self.delete_intent(attempt).await.unwrap();
    }
}
