//! What lies in the nodes' folders.

use crate::adapters::blobs::NodeFolder;
use crate::domain::file_table::FileTable;
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};
use crate::domain::snapshot::{Level, ScrubTrouble};
use crate::engine::context::Context;

/// Published bytes at a node.
pub(super) type Blob = (NodeId, FileId, AttemptId, Bytes);

/// What lies in the folders of the nodes that can be read.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) blobs: Vec<Blob>,
    pub(super) drafts: Vec<(NodeId, AttemptId)>,
    /// Nodes whose folder cannot be read: nothing of theirs is judged.
    pub(super) unread: Vec<NodeId>,
    pub(super) troubles: Vec<ScrubTrouble>,
}

/// A folder that is missing is made again; one that cannot be read is told.
pub(super) async fn list(ctx: &Context, nodes: &[NodeId], files: &FileTable) -> Listing {
    let mut listing = Listing::default();
    for node in nodes {
        let holds = files.iter().any(|entry| entry.record.owner == *node);
        match ctx.blobs.make_again(node, holds).await {
            Ok(NodeFolder::MadeAgain) => {
                let text = format!("the folder of {node} was missing and is made again; its files are looked for");
                ctx.notice(Level::Error, text).await;
            }
            Ok(NodeFolder::Bare) => {
                let folder = ctx.blobs.root().join(node.as_str());
                let cause = format!(
                    "{folder} is empty, and files of {node} belong in it: is its disk mounted? None of them is judged \
                     until they are back; if they are lost for good, remove that folder, and zkdeck makes it again and \
                     tells each file",
                    folder = folder.display()
                );
                listing.troubles.push(ScrubTrouble { node: Some(node.clone()), cause });
                listing.unread.push(node.clone());
                continue;
            }
            Ok(NodeFolder::There) => {}
            Err(error) => tracing::warn!("{error}"),
        }
        let listed = match ctx.blobs.list(node).await {
            Ok(blobs) => ctx.blobs.leftovers(node).await.map(|drafts| (blobs, drafts)),
            Err(error) => Err(error),
        };
        match listed {
            Ok((blobs, drafts)) => {
                let blob = |(file, blob, size)| (node.clone(), file, blob, size);
                listing.blobs.extend(blobs.into_iter().map(blob));
                listing.drafts.extend(drafts.into_iter().map(|attempt| (node.clone(), attempt)));
            }
            Err(error) => {
                let cause = format!("the folder of {node} cannot be looked into, so its files are not judged: {error}");
                listing.troubles.push(ScrubTrouble { node: Some(node.clone()), cause });
                listing.unread.push(node.clone());
            }
        }
    }
    listing
}
