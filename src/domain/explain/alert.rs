//! The words of alerts: what is sick and wants a person.

use super::explanation::Explanation;
use super::file::MEND;
use super::server::health_rule;
use crate::domain::alert::{Alert, AlertCode};
use crate::domain::ids::Timestamp;
use crate::domain::incident::IncidentWhat;
use crate::domain::node::SICK_AFTER;
use crate::domain::number::count;
use crate::domain::server::HealthRule;
use crate::domain::snapshot::{HISTORY_QUEUE_STOP, Snapshot};

/// What to do about a disk.
const MENDS: &str = "look at its disk; it goes on by itself";

/// What it means.
const fn meaning(code: AlertCode) -> &'static str {
    match code {
        AlertCode::ForeignStore => {
            "the files in this folder are not those of the ensemble: this zkdeck watches and touches none"
        }
        AlertCode::StoreUnclaimed => "files lie in this folder and the ensemble has no store: no record names them",
        AlertCode::StoreInUse => "another zkdeck that is not of this ensemble works in this folder",
        AlertCode::StoreUnnamed => {
            "the id of this folder is gone, and nothing proves that the folder is the ensemble's"
        }
        AlertCode::StoreNewer => "a newer zkdeck has written what this one does not understand: it changes nothing",
        AlertCode::StoreGone => "the folder of all files cannot be looked into: its disk may be gone",
        AlertCode::NodesUnnamed => {
            "records name nodes that this zkdeck was not told of: it knows a part of the ensemble and changes no files"
        }
        AlertCode::NoQuorum => "too few servers serve: no change of files begins",
        AlertCode::Heap => "a server may run out of memory: no stress and no large run begins",
        AlertCode::Damaged => {
            "a file's bytes are missing or not those of its record: it is left where it is, and not moved"
        }
        AlertCode::NodeFolder => "a node's folder cannot be looked into: its files are out of sight",
        AlertCode::NodeUnhealthy => "a node takes no files: its disk fails",
        AlertCode::NodeFull => "a node takes no files: its disk has no room",
        AlertCode::HistoryBehind => "what was done is written down too slowly: no new change of files begins",
        AlertCode::History => "what is done cannot be written down",
        AlertCode::HistoryLines => "the lines cannot be written that history is restored from and that Filebeat ships",
        AlertCode::Quarantine => "files lie aside that no record names: nothing is lost and nothing is used",
        AlertCode::Unreadable => "a record cannot be read: it is left alone, never moved and never overwritten",
    }
}

/// What makes it appear.
const fn rule(code: AlertCode) -> &'static str {
    match code {
        AlertCode::ForeignStore => "the id in the folder is another one than the ensemble's, or there is none",
        AlertCode::StoreUnclaimed => "the folder holds files, and the ensemble knows of no store",
        AlertCode::StoreInUse => "the folder's lock is held by somebody who is not registered here",
        AlertCode::StoreUnnamed => "too few records have their bytes in the folder",
        AlertCode::StoreNewer => "a format's number is over those that are known",
        AlertCode::StoreGone => "the look into it fails",
        AlertCode::NodesUnnamed => "a file's owner is not among the servers that are named here",
        AlertCode::NoQuorum => "fewer voting servers serve than a quorum needs",
        AlertCode::Heap => "the rule heap has held for its time",
        AlertCode::Damaged => "size or BLAKE3 differ from the record, or the bytes cannot be read",
        AlertCode::NodeFolder => "the look into it fails",
        AlertCode::NodeUnhealthy => "writes there failed in a row",
        AlertCode::NodeFull => "a write found no room, or less is free than is kept as a reserve",
        AlertCode::HistoryBehind => "too many rows of history wait to be written",
        AlertCode::History => "a write to the history failed",
        AlertCode::HistoryLines => "a write to the operations log failed",
        AlertCode::Quarantine => "the scrub found bytes without a record",
        AlertCode::Unreadable => "what the znode of a record holds is not understood by this zkdeck",
    }
}

/// What to do about it.
const fn todo(code: AlertCode) -> &'static str {
    match code {
        AlertCode::ForeignStore => "start zkdeck in the folder that belongs to the ensemble",
        AlertCode::StoreUnclaimed => {
            "connect to the ensemble that they belong to, or adopt them: zkdeck doctor --adopt"
        }
        AlertCode::StoreInUse => "end it, or choose another folder by --data",
        AlertCode::StoreUnnamed => "if the folder is the ensemble's, restore the file that holds its id",
        AlertCode::StoreNewer => "use the newer zkdeck",
        AlertCode::StoreGone => "mount its disk; zkdeck goes on by itself",
        AlertCode::NodesUnnamed => "name every server: --zk, or ensemble.servers",
        AlertCode::NoQuorum => "start or resume servers; zkdeck goes on by itself",
        AlertCode::Heap => "give it more heap, or delete files",
        AlertCode::Damaged => MEND,
        AlertCode::NodeFolder => "mount its disk or mend its rights; it goes on by itself",
        AlertCode::NodeUnhealthy => MENDS,
        AlertCode::NodeFull => "make room on its disk; it goes on by itself",
        AlertCode::HistoryBehind => MENDS,
        AlertCode::History => MENDS,
        AlertCode::HistoryLines => MENDS,
        AlertCode::Quarantine => "zkdeck doctor lists them, zkdeck doctor --adopt makes records for them",
        AlertCode::Unreadable => "look at that znode; a newer zkdeck may have written it",
    }
}

/// Where it comes from.
const fn source(code: AlertCode) -> &'static str {
    match code {
        AlertCode::ForeignStore
        | AlertCode::StoreUnclaimed
        | AlertCode::StoreInUse
        | AlertCode::StoreUnnamed
        | AlertCode::StoreNewer => "this folder and the ensemble's store, compared at each connection",
        AlertCode::NodesUnnamed | AlertCode::Unreadable => "the records in the ensemble",
        AlertCode::NoQuorum => "the verdicts on the servers",
        AlertCode::Heap => "the servers' metrics",
        AlertCode::Damaged => "looks at bytes: the scrub, moves, downloads",
        AlertCode::StoreGone | AlertCode::NodeFolder | AlertCode::Quarantine => "the scrub's look into the folders",
        AlertCode::NodeUnhealthy | AlertCode::NodeFull => "writes to the node's folder, and its file system",
        AlertCode::HistoryBehind | AlertCode::History | AlertCode::HistoryLines => "the writer of history",
    }
}

/// An alert by itself.
pub(super) fn alert_code(code: AlertCode, snapshot: &Snapshot) -> Explanation {
    let quorum = snapshot.ensemble.quorum;
    let bound = match code {
        AlertCode::Heap => health_rule(HealthRule::Heap).bound,
        AlertCode::NoQuorum => Some(format!("{} of {} voting servers", quorum.majority(), quorum.voters)),
        AlertCode::NodeUnhealthy => Some(format!("{SICK_AFTER} failed writes")),
        AlertCode::NodeFull if !snapshot.scheduler.knows_settings() => None,
        AlertCode::NodeFull => Some(format!("{} free or less", snapshot.scheduler.reserve)),
        AlertCode::HistoryBehind => Some(format!("more than {}", count(HISTORY_QUEUE_STOP as u64, "row"))),
        _ => None,
    };
    let source = Some(source(code).to_owned());
    Explanation {
        bound,
        source,
        ..Explanation::means(code.word(), [meaning(code), rule(code), todo(code)]).said_of("alert")
    }
}

/// An alert that stands: its sentence has the cause and the next step.
pub(super) fn alert(alert: &Alert, snapshot: &Snapshot) -> Explanation {
    let word = if alert.short.is_empty() { alert.code.word().to_owned() } else { alert.short.clone() };
    Explanation {
        word,
        measured: Some(alert.text.clone()),
        since: since(alert, snapshot),
        ..alert_code(alert.code, snapshot)
    }
}

/// When the incident that it is began; of a lost quorum the verdict tells.
fn since(alert: &Alert, snapshot: &Snapshot) -> Option<Timestamp> {
    if alert.code == AlertCode::NoQuorum {
        return Some(snapshot.ensemble.since);
    }
    let open = snapshot.incidents.iter().filter(|incident| incident.ended.is_none());
    let mut same = open.filter(|incident| {
        matches!(&incident.what, IncidentWhat::Alert { code, short } if *code == alert.code && *short == alert.short)
    });
    same.next().map(|incident| incident.began)
}
