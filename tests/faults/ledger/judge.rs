//! Holds every answer against what is: records, nodes, bytes and history, after all is at rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use zkdeck::domain::file::FileEntry;
use zkdeck::domain::node::{NodeRecord, WEIGHT_DEFAULT};

use super::book::{Asked, Entry};

/// A row of history.
#[derive(Clone, Debug)]
pub struct Row {
    pub kind: String,
    pub status: String,
    /// Why it ended without being done.
    pub cause: Option<String>,
    pub file: Option<String>,
    /// Name and size, for what is done to one file.
    pub what: String,
}

/// What is, after all is at rest.
pub struct Truth {
    pub files: BTreeMap<String, FileEntry>,
    pub nodes: BTreeMap<&'static str, NodeRecord>,
    pub rows: BTreeMap<String, Row>,
}

/// Every answer that is not true.
pub fn untrue(entries: &[Entry], truth: &Truth) -> Vec<String> {
    let judge = Judge { entries, truth };
    let mut found: Vec<String> = entries.iter().flat_map(|entry| judge.one(entry)).collect();
    found.extend(judge.lost_files());
    for node in truth.nodes.keys() {
        found.extend(judge.weight(node));
        found.extend(judge.drain(node));
    }
    found.extend(judge.open_rows());
    found
}

struct Judge<'a> {
    entries: &'a [Entry],
    truth: &'a Truth,
}

impl Judge<'_> {
    fn one(&self, entry: &Entry) -> Vec<String> {
        let mut found = Vec::new();
        let mut wrong = |why: String| found.push(format!("{why}: {}", entry.line()));
        self.form(entry).into_iter().for_each(&mut wrong);
        self.operation(entry).into_iter().for_each(&mut wrong);
        match &entry.asked {
            Asked::Upload { name, blake3 } => self.upload(entry, name, blake3).into_iter().for_each(&mut wrong),
            Asked::Download { file, blake3 } => self.download(entry, file, blake3).into_iter().for_each(&mut wrong),
            Asked::Delete { file } | Asked::Migrate { file, .. } => {
                self.gone(entry, file).into_iter().for_each(&mut wrong);
            }
            Asked::Stress { .. } => self.stress(entry).into_iter().for_each(&mut wrong),
            Asked::Drain { .. } | Asked::Undrain { .. } | Asked::Weight { .. } | Asked::Run => {}
        }
        found
    }

    /// What holds for every answer.
    fn form(&self, entry: &Entry) -> Vec<String> {
        let Some(answer) = entry.answer() else { return Vec::new() };
        let (body, mut wrong) = (answer.json(), Vec::new());
        let bad_end = |word: &str| matches!(word, "aborted" | "failed");
        if answer.is_success() && body["status"].as_str().is_some_and(bad_end) {
            wrong.push("a success that was not done".into());
        }
        if answer.is_success() && answer.status != 202 && body["status"] == "started" {
            wrong.push("a success that goes on".into());
        }
        if matches!(answer.status, 429 | 503) && !answer.headers.contains_key("retry-after") {
            wrong.push("no Retry-After".into());
        }
        if answer.status >= 400 && !body["error"]["code"].is_string() {
            wrong.push("an error without its code".into());
        }
        if answer.status == 500 {
            wrong.push("an internal error".into());
        }
        if answer.status == 202 && entry.operation().is_none() {
            wrong.push("nowhere to look".into());
        }
        if !answer.whole && !entry.asked.reads() {
            wrong.push("an answer that breaks off".into());
        }
        wrong
    }

    /// The operation that an answer names has ended, and as the answer says.
    fn operation(&self, entry: &Entry) -> Option<String> {
        let id = entry.operation()?;
        let Some(row) = self.truth.rows.get(&id) else { return Some(format!("no row of history for operation {id}")) };
        match row.status.as_str() {
            "started" => Some(format!("operation {id} never ends")),
            "done" | "none" if entry.is_refused() => Some(format!("refused, and operation {id} is {}", row.status)),
            "failed" | "aborted" if entry.is_done() => Some(format!("done, and operation {id} is {}", row.status)),
            _ => None,
        }
    }

    fn upload(&self, entry: &Entry, name: &str, blake3: &str) -> Option<String> {
        let stored = self.truth.files.values().find(|file| file.record.name == name);
        if let Some(file) = stored
            && file.record.blake3.to_string() != blake3
        {
            return Some("stored with other bytes".into());
        }
        if entry.is_refused() && stored.is_some() {
            return Some("refused, and it is stored".into());
        }
        if let Some(why) = self.left_open(entry) {
            return Some(why);
        }
        if entry.is_done() {
            let id = entry.answer()?.json()["id"].as_str().map(str::to_owned);
            let Some(id) = id else { return Some("stored without an id".into()) };
            if stored.is_some_and(|file| file.id.to_string() != id) {
                return Some("stored under another id".into());
            }
            if stored.is_none() && !self.may_be_deleted(&id) {
                return Some("201, and it is not stored".into());
            }
            return None;
        }
        // Unknown to the client: history knows.
        let row =
            self.truth.rows.values().find(|row| row.kind == "upload" && row.what.starts_with(&format!("{name},")));
        let done = row.is_some_and(|row| row.status == "done");
        let deleted = || row.and_then(|row| row.file.as_ref()).is_some_and(|id| self.may_be_deleted(id));
        match (done, stored.is_some()) {
            (true, false) if !deleted() => Some("history says done, and it is not stored".into()),
            (false, true) => Some("it is stored, and history does not say so".into()),
            _ => None,
        }
    }

    /// Who sends a file is told its end: an upload goes no further without its client. What ended with the daemon
    /// is told so, unless nobody could know it yet.
    fn left_open(&self, entry: &Entry) -> Option<String> {
        if entry.status() == Some(202) {
            return Some("an upload that goes on without its client".into());
        }
        let row = self.truth.rows.get(&entry.operation()?)?;
        let told = entry.answer()?.json()["error"]["code"] == "shutting-down" && entry.status() == Some(503);
        (row.cause.as_deref() == Some("ending") && entry.is_refused() && !told)
            .then(|| "it ended with the daemon, and the answer does not say so".into())
    }

    fn download(&self, entry: &Entry, file: &str, blake3: &str) -> Option<String> {
        let answer = entry.answer()?;
        if answer.status == 200 && answer.whole && blake3::hash(&answer.body).to_hex().as_str() != blake3 {
            return Some("other bytes".into());
        }
        self.gone(entry, file)
    }

    /// 404 only for a file that is gone, and what is gone stays so.
    fn gone(&self, entry: &Entry, file: &str) -> Option<String> {
        if matches!(entry.asked, Asked::Delete { .. }) && entry.is_done() && self.truth.files.contains_key(file) {
            return Some("deleted, and it is there".into());
        }
        if entry.status() != Some(404) {
            return None;
        }
        if self.truth.files.contains_key(file) {
            return Some("404 for a file that is there".into());
        }
        let later = self.of(file).find(|other| other.sent > entry.ended && other.is_done());
        later.map(|other| format!("404 for a file that was there: {}", other.line()))
    }

    fn stress(&self, entry: &Entry) -> Option<String> {
        let body = entry.answer()?.json();
        let files = body["files"].as_array().or_else(|| body["error"]["files"].as_array())?;
        let missing = files.iter().filter_map(|id| id.as_str()).find(|id| !self.truth.files.contains_key(*id))?;
        Some(format!("{missing} is not stored"))
    }

    /// Requests about one file.
    fn of<'s>(&'s self, file: &'s str) -> impl Iterator<Item = &'s Entry> {
        self.entries.iter().filter(move |entry| match &entry.asked {
            Asked::Download { file: of, .. } | Asked::Delete { file: of } | Asked::Migrate { file: of, .. } => {
                of == file
            }
            _ => false,
        })
    }

    /// Somebody asked to delete it and was not told that nothing was changed.
    fn may_be_deleted(&self, file: &str) -> bool {
        self.of(file).any(|entry| matches!(entry.asked, Asked::Delete { .. }) && !entry.is_refused())
    }

    /// Files that an answer gave and nobody took away.
    fn lost_files(&self) -> Vec<String> {
        let seen: BTreeSet<&str> = self
            .entries
            .iter()
            .filter(|entry| entry.is_done())
            .filter_map(|entry| match &entry.asked {
                Asked::Download { file, .. } | Asked::Migrate { file, .. } => Some(file.as_str()),
                _ => None,
            })
            .collect();
        let lost = seen.into_iter().filter(|id| !self.truth.files.contains_key(*id) && !self.may_be_deleted(id));
        lost.map(|id| format!("{id} was there, is gone, and every delete of it was refused")).collect()
    }

    /// Whether the last word may be this request's: it was not refused, and no other that was done came
    /// after it.
    fn is_last(&self, entry: &Entry, of: &[&Entry]) -> bool {
        let overwritten = |other: &&&Entry| other.is_done() && other.sent > entry.ended;
        // What is not known may be carried out late.
        !entry.is_refused() && (entry.answer().is_none() || !of.iter().any(|other| overwritten(&other)))
    }

    fn weight(&self, node: &str) -> Option<String> {
        let is = u64::from(self.truth.nodes.get(node)?.weight);
        let of: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.asked, Asked::Weight { node: of, .. } if of == node))
            .collect();
        let asks = |entry: &&&Entry| matches!(entry.asked, Asked::Weight { weight, .. } if weight == is);
        // As it was from the beginning: nobody changed it.
        let untouched = is == u64::from(WEIGHT_DEFAULT) && !of.iter().any(|entry| entry.is_done());
        if untouched || of.iter().filter(asks).any(|entry| self.is_last(entry, &of)) {
            return None;
        }
        match of.iter().find(asks) {
            Some(entry) => Some(format!("the weight of {node} is {is}: {}", entry.line())),
            None => {
                let done = of.iter().find(|entry| entry.is_done())?;
                Some(format!("the weight of {node} is {is}, which nobody asked for: {}", done.line()))
            }
        }
    }

    fn drain(&self, node: &str) -> Option<String> {
        let drains = self.truth.nodes.get(node)?.state.is_draining();
        let of: Vec<&Entry> = self
            .entries
            .iter()
            .filter(
                |entry| matches!(entry.asked, Asked::Drain { node: of } | Asked::Undrain { node: of } if of == node),
            )
            .collect();
        let asks = |entry: &&&Entry| matches!(entry.asked, Asked::Drain { .. }) == drains;
        // A drain answers before it ends: that it was begun is what counts.
        let begun = |entry: &Entry| entry.is_done() || entry.status() == Some(202);
        let last_of_other = of.iter().filter(|entry| !asks(entry) && begun(entry)).map(|entry| entry.sent).max();
        let explains = |entry: &&&Entry| {
            asks(entry) && !entry.is_refused() && last_of_other.is_none_or(|other: Instant| entry.ended > other)
        };
        let late = |entry: &&&Entry| asks(entry) && entry.answer().is_none();
        let at_first = !drains && last_of_other.is_none();
        if at_first || of.iter().any(|entry| explains(&entry) || late(&entry)) {
            return None;
        }
        let state = if drains { "drains" } else { "does not drain" };
        let lines: Vec<String> = of.iter().rev().take(4).map(|entry| entry.line()).collect();
        Some(format!("{node} {state}, against the last answers: {}", lines.join(" | ")))
    }

    /// Every row of history ends, whoever asked for it.
    fn open_rows(&self) -> Vec<String> {
        let open = self.truth.rows.iter().filter(|(_, row)| row.status == "started");
        open.map(|(id, row)| format!("the {} {id} of {:?} never ends", row.kind, row.what)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::book::{Answer, Came};

    /// What is untrue of this answer to an upload whose row has this end.
    fn judged(status: u16, body: &str, end: (&str, Option<&str>)) -> Vec<String> {
        let asked = Asked::Upload { name: "a".into(), blake3: String::new() };
        let headers = BTreeMap::from([("retry-after".to_owned(), "10".to_owned())]);
        let answer = Answer { status, headers, body: body.as_bytes().to_vec(), whole: true };
        let entry = Entry { asked, sent: Instant::now(), ended: Instant::now(), came: Came::Answer(answer) };
        let (word, cause) = end;
        let (kind, what) = ("upload".to_owned(), "a, 1 B".to_owned());
        let row = Row { kind, status: word.into(), cause: cause.map(str::to_owned), file: None, what };
        let truth = Truth { files: BTreeMap::new(), nodes: BTreeMap::new(), rows: [("7".to_owned(), row)].into() };
        untrue(&[entry], &truth)
    }

    #[test]
    fn a_node_that_nobody_changed_has_the_weight_of_the_beginning() {
        let answered = |weight: u64, status: u16| {
            let answer = Answer { status, headers: BTreeMap::new(), body: b"{}".to_vec(), whole: true };
            let asked = Asked::Weight { node: "zk1", weight };
            Entry { asked, sent: Instant::now(), ended: Instant::now(), came: Came::Answer(answer) }
        };
        let nodes = BTreeMap::from([("zk1", NodeRecord::default())]);
        let truth = Truth { files: BTreeMap::new(), nodes, rows: BTreeMap::new() };
        let weight = |entries: &[Entry]| Judge { entries, truth: &truth }.weight("zk1");
        assert_eq!(weight(&[answered(u64::from(WEIGHT_DEFAULT), 409), answered(50, 409)]), None, "it is so already");
        let untrue = weight(&[answered(50, 200), answered(u64::from(WEIGHT_DEFAULT), 409)]);
        assert!(untrue.is_some_and(|told| told.starts_with("the weight of zk1 is 100")));
    }

    #[test]
    fn an_upload_that_ended_with_the_daemon_is_to_be_told_so() {
        let ending = ("aborted", Some("ending"));
        let told = r#"{"error":{"code":"shutting-down","operation":"7"}}"#;
        assert_eq!(judged(503, told, ending), [""; 0]);
        let unknown = r#"{"error":{"code":"outcome-unknown","operation":"7"}}"#;
        assert_eq!(judged(503, unknown, ending), [""; 0], "it was not known yet");
        let open = r#"{"status":"started","operation":"7"}"#;
        assert!(judged(202, open, ending)[0].starts_with("an upload that goes on"));
        assert!(judged(202, open, ("aborted", Some("unavailable")))[0].starts_with("an upload that goes on"));
        for (status, code) in [(409, "stopped"), (503, "unavailable"), (400, "body-broken")] {
            let other = format!(r#"{{"error":{{"code":"{code}","operation":"7"}}}}"#);
            assert!(judged(status, &other, ending)[0].starts_with("it ended with the daemon"), "{code}");
        }
    }
}
