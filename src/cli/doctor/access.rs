//! What the ensemble lets zkdeck do below its root: asked by the ACLs, and nothing is written.

use super::finding::Finding;
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::adapters::zookeeper::layout::{BUCKET_DIGITS_DEFAULT, ZnodeLayout};
use crate::adapters::zookeeper::{Coord, RealCoord};
use crate::domain::format::StoreName;
use crate::domain::ids::Timestamp;

/// What the ensemble knows of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Whose files the records are of, and when the first of them was made.
    Store {
        id: String,
        since: Option<Timestamp>,
    },
    /// No zkdeck has made records there, and one may.
    None,
    Denied(Denied),
}

/// Access that zkdeck needs and does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    znode: String,
    /// `create znodes below`
    what: &'static str,
    /// The ACL in words; `None` when it may not be read either.
    acl: Option<String>,
}

impl Denied {
    pub(super) fn finding(&self, check: &'static str, root: &str) -> Finding {
        let acl = self.acl.as_ref().map_or_else(String::new, |acl| format!("; its ACL is {acl}"));
        let message = format!("access denied: zkdeck may not {} {}{acl}", self.what, self.znode);
        let fix = format!(
            "in zkCli.sh, after addauth as who may: {}; or set ensemble.root (ZKDECK_ROOT) to a znode that is open",
            // An open root needs nothing of what is above it.
            if self.znode.len() < root.len() {
                format!("create {root}, then setAcl {root} world:anyone:cdrwa")
            } else {
                format!("setAcl -R {root} world:anyone:cdrwa")
            }
        );
        Finding::fail(check, message, fix)
    }
}

/// Looks what is recorded under the root, and whether zkdeck may write there.
///
/// # Errors
/// [`ZkError`] when the ensemble gives no answer.
pub(super) async fn recorded(coord: &RealCoord, root: &str) -> Result<Recorded, ZkError> {
    let layout = ZnodeLayout::new(root, BUCKET_DIGITS_DEFAULT);
    let store = layout.store();
    let found = match coord.get(&store).await {
        Err(error) if error.refusal() == Some(Refusal::NoAuth) => {
            return Ok(Recorded::Denied(Denied { znode: store, what: "read", acl: None }));
        }
        found => found?,
    };
    let control = format!("{root}/control");
    let places = match found {
        Some(_) => vec![layout.files(), layout.migrations(), layout.nodes(), layout.instances(), control],
        None => vec![nearest(coord, root).await?],
    };
    for place in places {
        if let Some(denied) = denied(coord, &place).await? {
            return Ok(Recorded::Denied(denied));
        }
    }
    Ok(match found {
        Some((data, _)) => {
            let text = String::from_utf8_lossy(&data);
            let id = StoreName::parse(&text).map_or_else(|| text.trim().to_owned(), |name| name.id);
            Recorded::Store { id, since: coord.made_at(&store).await? }
        }
        None => Recorded::None,
    })
}

/// The root, or the znode above it that is there.
async fn nearest(coord: &RealCoord, root: &str) -> Result<String, ZkError> {
    let mut path = root;
    while !path.is_empty() {
        if coord.made_at(path).await?.is_some() {
            return Ok(path.to_owned());
        }
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
    Ok("/".to_owned())
}

/// A znode that is not there denies nothing by itself.
async fn denied(coord: &RealCoord, znode: &str) -> Result<Option<Denied>, ZkError> {
    let told = |what, acl| Some(Denied { znode: znode.to_owned(), what, acl });
    match coord.access(znode).await {
        Ok(access) => Ok(access.and_then(|access| told(access.lacks?, Some(access.acl)))),
        Err(error) if error.refusal() == Some(Refusal::NoAuth) => Ok(told("read the ACL of", None)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_is_told_with_the_znode_and_what_to_set() {
        let at = |znode: &str| Denied { znode: znode.into(), what: "create znodes below", acl: Some("x".into()) };
        let above = at("/").finding("store", "/demo");
        assert_eq!(above.message, "access denied: zkdeck may not create znodes below /; its ACL is x");
        assert!(above.fix.unwrap().contains("create /demo, then setAcl /demo world:anyone:cdrwa"));
        let below = at("/demo/files").finding("store", "/demo");
        assert!(below.fix.unwrap().contains("setAcl -R /demo world:anyone:cdrwa"));
    }
}
