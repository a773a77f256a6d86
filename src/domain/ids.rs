//! Newtypes for every identifier and unit, so that a node is never passed for a file and a size
//! never for a time.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;
use uuid::fmt::{Hyphenated, Simple};

/// Why a text is not the identifier it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId {
    /// What was expected: `node name`, `file id`, ...
    pub kind: &'static str,
    /// The text that was given, cut to 64 characters.
    pub given: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl InvalidId {
    fn new(kind: &'static str, given: &str, rule: &'static str) -> Self {
        Self { kind, given: given.chars().take(64).collect(), rule }
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}: {}", self.given, self.kind, self.rule)
    }
}

impl std::error::Error for InvalidId {}

/// The name of a node, which is also the name of its server: `zk1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Longest name of a node, in bytes.
    pub const LEN_MAX: usize = 32;

    /// Accepts 1 to 32 of `a-z 0-9 - _`, starting with a letter or digit: the name becomes a
    /// folder and a znode.
    ///
    /// # Errors
    /// [`InvalidId`] with the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if first && rest && text.len() <= Self::LEN_MAX {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId::new("node name", text, "use 1 to 32 of a-z, 0-9, - and _, starting with a letter or digit"))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NodeId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Braces and `urn:uuid:` are UUIDs too, but none of ours.
fn parse_uuid(kind: &'static str, text: &str) -> Result<u128, InvalidId> {
    let invalid = || InvalidId::new(kind, text, "use 32 hex digits, with or without the four hyphens of a UUID");
    if !matches!(text.len(), Simple::LENGTH | Hyphenated::LENGTH) {
        return Err(invalid());
    }
    Uuid::try_parse(text).map(|uuid| uuid.as_u128()).map_err(|_| invalid())
}

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// Wraps the 128 bits of a UUID.
            #[must_use]
            pub const fn new(bits: u128) -> Self {
                Self(bits)
            }

            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0
            }

            /// First six and last four hex digits, `0192f7…c41e`: what fits on a screen.
            #[must_use]
            pub fn short(self) -> String {
                let digits = format!("{:032x}", self.0);
                format!("{}…{}", &digits[..6], &digits[28..])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let uuid = Uuid::from_u128(self.0).hyphenated();
                f.pad(uuid.encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_uuid($kind, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

uuid_newtype!(
    /// A file, for its whole life; the name that people see is in its record.
    FileId, "file id"
);
uuid_newtype!(
    /// One try of an upload, a move or a delete. A retry is a new attempt; a name on disk made from
    /// it is never used again.
    AttemptId, "attempt id"
);
uuid_newtype!(
    /// One row of history. For uploads, moves and deletes it is the attempt's own number.
    OperationId, "operation id"
);
uuid_newtype!(
    /// One incident.
    IncidentId, "incident id"
);
uuid_newtype!(
    /// One running zkdeck process; a restart is a new instance.
    InstanceId, "instance id"
);

impl From<AttemptId> for OperationId {
    fn from(attempt: AttemptId) -> Self {
        Self(attempt.0)
    }
}

impl From<OperationId> for AttemptId {
    fn from(operation: OperationId) -> Self {
        Self(operation.0)
    }
}

impl FileId {
    /// Hex digits that name the file's bucket: the *last* `digits` of the id. A `UUIDv7` starts
    /// with its time, so its first digits are the same for every file of a month.
    #[must_use]
    pub fn bucket(self, digits: usize) -> String {
        let h = format!("{:032x}", self.0);
        h[32 - digits.min(32)..].to_owned()
    }
}

/// Fencing token: the znode version of `/demo/control/epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub i32);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A ZooKeeper transaction id: epoch in the high 32 bits, counter in the low ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Zxid(pub u64);

impl Zxid {
    /// The leader epoch in which the transaction was made.
    #[must_use]
    pub const fn epoch(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The number of the transaction within its epoch.
    #[must_use]
    pub const fn counter(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    /// Binary units, at most one decimal below 100: `0 B`, `128 KiB`, `4.1 MiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        let (mut scaled, mut unit) = (self.0, 0);
        let mut rest = 0;
        while scaled >= 1024 && unit < UNITS.len() - 1 {
            rest = scaled % 1024;
            scaled /= 1024;
            unit += 1;
        }
        let tenth = rest * 10 / 1024;
        let text = if unit == 0 || scaled >= 100 || tenth == 0 {
            format!("{scaled} {}", UNITS[unit])
        } else {
            format!("{scaled}.{tenth} {}", UNITS[unit])
        };
        f.pad(&text)
    }
}

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }
}

impl fmt::Display for Millis {
    /// Two units at most: `41 ms`, `4.1 s`, `12 s`, `4m10s`, `3h12m`, `2d4h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ms, s) = (self.0, self.0 / 1000);
        let text = match s {
            0 => format!("{ms} ms"),
            1..=9 => format!("{}.{} s", s, ms % 1000 / 100),
            10..=59 => format!("{s} s"),
            60..=3599 => format!("{}m{}s", s / 60, s % 60),
            3600..=86_399 => format!("{}h{}m", s / 3600, s % 3600 / 60),
            _ => format!("{}d{}h", s / 86_400, s % 86_400 / 3600),
        };
        f.pad(&text)
    }
}

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Time from `earlier` to `self`; zero when the clock was set back in between.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    #[must_use]
    pub const fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_folders_and_znodes() {
        for good in ["zk1", "0", "a-b_c", &"a".repeat(32)] {
            assert_eq!(NodeId::new(good).map(|n| n.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", ".", "..", "a/b", "ZK1", "-a", "_a", "zk 1", "zk\n", &"a".repeat(33), "é"] {
            assert!(NodeId::new(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn uuids_read_back_what_they_print() {
        let id = FileId::new(0x0192_f7aa_1111_7222_8333_4444_5555_c41e);
        assert_eq!(id.to_string(), "0192f7aa-1111-7222-8333-44445555c41e");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("0192f7aa111172228333444455 55c41e".replace(' ', "").parse(), Ok(id));
        assert_eq!(id.short(), "0192f7…c41e");
        assert_eq!(id.bucket(2), "1e");
        assert_eq!(id.bucket(3), "41e");
        assert_eq!(format!("{id:>38}"), "  0192f7aa-1111-7222-8333-44445555c41e");
        for bad in [
            "",
            "x",
            "0192f7aa-1111-7222-8333-44445555c41",
            "0192f7aa+1111-7222-8333-44445555c41e",
            "0192f7aa1-111-7222-8333-44445555c41e",
            "+192f7aa111172228333444455555c41e",
            "{0192f7aa-1111-7222-8333-44445555c41e}",
            "urn:uuid:0192f7aa-1111-7222-8333-44445555c41e",
        ] {
            assert!(bad.parse::<FileId>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn sizes_and_times_read_well() {
        let sizes = [(0, "0 B"), (1023, "1023 B"), (131_072, "128 KiB"), (4_300_000, "4.1 MiB"), (1 << 30, "1 GiB")];
        for (bytes, text) in sizes {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        let spans = [(41, "41 ms"), (4_150, "4.1 s"), (12_000, "12 s"), (250_000, "4m10s"), (11_520_000, "3h12m")];
        for (ms, text) in spans {
            assert_eq!(Millis(ms).to_string(), text);
        }
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_age() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
    }
}
