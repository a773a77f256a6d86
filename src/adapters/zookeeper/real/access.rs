//! What an ACL lets this program do.

use zookeeper_client::{Acl, Permission};

/// What this program needs at its znodes, in words that go before a path.
const NEEDED: [(Permission, &str); 4] = [
    (Permission::READ, "read"),
    (Permission::CREATE, "create znodes below"),
    (Permission::WRITE, "write"),
    (Permission::DELETE, "delete znodes below"),
];
const LETTERS: [(Permission, char); 5] = [
    (Permission::CREATE, 'c'),
    (Permission::DELETE, 'd'),
    (Permission::READ, 'r'),
    (Permission::WRITE, 'w'),
    (Permission::ADMIN, 'a'),
];

/// What the ACL of a znode says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The first thing that is needed and denied.
    pub lacks: Option<&'static str>,
    /// `digest:admin cdrwa, world:anyone r`
    pub acl: String,
}

impl Access {
    /// For who logs in as nobody, and so may what everybody may. Whether this machine's address is meant
    /// is the servers' to say.
    pub(super) fn of(acl: &[Acl]) -> Self {
        let open = |one: &&Acl| matches!((one.scheme(), one.id()), ("world", "anyone") | ("ip", _));
        let may = |what| acl.iter().filter(open).any(|one| one.permission().has(what));
        let lacks = NEEDED.iter().find(|(what, _)| !may(*what)).map(|(_, words)| *words);
        Self { lacks, acl: acl.iter().map(words).collect::<Vec<_>>().join(", ") }
    }
}

/// A hash of a password is not shown.
fn words(one: &Acl) -> String {
    let may: String = LETTERS.iter().filter(|(may, _)| one.permission().has(*may)).map(|(_, letter)| letter).collect();
    let who = if one.scheme() == "digest" { one.id().split(':').next().unwrap_or_default() } else { one.id() };
    format!("{}:{who} {may}", one.scheme())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logs_in_as_nobody_may_what_everybody_may() {
        let acl = Acl::new_const;
        let of = |all: &[Acl]| Access::of(all).lacks;
        let closed = [acl(Permission::ALL, "digest", "admin:secret="), acl(Permission::READ, "world", "anyone")];
        assert_eq!(of(&closed), Some("create znodes below"));
        assert_eq!(Access::of(&closed).acl, "digest:admin cdrwa, world:anyone r");
        assert_eq!(of(&closed[..1]), Some("read"));
        assert_eq!(of(&[acl(Permission::ALL, "world", "anyone")]), None);
        assert_eq!(of(&[acl(Permission::ALL, "ip", "10.0.0.0/8")]), None, "it cannot be known from here");
    }
}
