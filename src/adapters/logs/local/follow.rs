//! What has been written since the last look, and the neighbours of an event.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex};

use super::super::error::LogsError;
use super::super::record::event;
use super::block::{BLOCK, EVENT_MAX, Events};
use super::store::{FileFacts, LogFile, LogFiles, locked, read_some};
use super::wanted::Scan;
use crate::domain::log::{ContextAsk, EventId, FollowMark, Followed, LogContext, LogEvent};

/// Bytes of one file that one look takes in.
const READ_MAX: u64 = 8 << 20;

/// Where each file ends now.
pub(super) fn ends(store: &Mutex<LogFiles>) -> FollowMark {
    let mut marks = BTreeMap::new();
    for entry in locked(store).entries.values() {
        let start = last_start(&entry.facts, &entry.file, entry.size);
        marks.insert(entry.facts.key.clone(), (start, entry.size));
    }
    FollowMark::Files(marks)
}

/// Where the last event of a file begins: lines may still be added to it.
fn last_start(facts: &FileFacts, file: &File, size: u64) -> u64 {
    let from = size.saturating_sub(BLOCK);
    let mut bytes = vec![0; usize::try_from(size - from).unwrap_or(0)];
    let len = read_some(file, &mut bytes, from).unwrap_or(0);
    Events::new(facts.kind, &bytes[..len], from == 0).last().map_or(size, |range| from + range.start as u64)
}

/// Events that came or grew since the mark; oldest first. Packed files bring nothing new.
pub(super) fn news(
    store: &Mutex<LogFiles>,
    wanted: &Scan,
    mark: &BTreeMap<String, (u64, u64)>,
    limit: usize,
) -> Followed {
    let files: Vec<(Arc<FileFacts>, Arc<File>, u64, u64)> = {
        let store = locked(store);
        let plain = store.entries.values().filter(|entry| !entry.facts.packed);
        plain.map(|entry| (Arc::clone(&entry.facts), Arc::clone(&entry.file), entry.size, entry.written)).collect()
    };
    let mut marks = BTreeMap::new();
    let mut events: Vec<(u64, LogEvent)> = Vec::new();
    for (facts, file, size, written) in files {
        let (start, seen) = mark.get(&facts.key).copied().unwrap_or_default();
        if size <= seen || !wanted.takes_file(&facts) {
            marks.insert(facts.key.clone(), (start, seen.min(size)));
            continue;
        }
        let end = size.min(start + READ_MAX);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
        let len = read_some(&file, &mut bytes, start).unwrap_or(0);
        bytes.truncate(len);
        let last = Events::new(facts.kind, &bytes, true).last().map_or(0, |range| range.start as u64);
        wanted.scan(&facts, &bytes, 0, written, |found| {
            let grew = start + found.end as u64 > seen;
            if grew && wanted.takes(&found) {
                let text = &bytes[found.start..found.end];
                events.push((found.at, event(text, facts.place(start + found.start as u64), EVENT_MAX as usize)));
            }
        });
        // An event of more than what was read is given up.
        let next = if last == 0 && len as u64 >= READ_MAX { end } else { start + last };
        marks.insert(facts.key.clone(), (next, start + len as u64));
    }
    events.sort_by_key(|(at, _)| *at);
    let left_out = events.len().saturating_sub(limit);
    let events = events.into_iter().skip(left_out).map(|(_, event)| event).collect();
    Followed { events, mark: FollowMark::Files(marks), left_out: left_out as u64, answered: Default::default() }
}

/// The event at a place of a file and its neighbours there.
pub(super) fn context(store: &Mutex<LogFiles>, ask: &ContextAsk) -> Result<LogContext, LogsError> {
    let found = {
        let store = locked(store);
        let of_id = |entry: &&LogFile| matches!(&ask.id, EventId::Line { file, .. } if *file == entry.facts.key);
        let by_id = store.entries.values().find(of_id);
        let entry = by_id.or_else(|| store.entries.values().find(|entry| entry.facts.name == ask.file));
        entry.map(|entry| (Arc::clone(&entry.facts), Arc::clone(&entry.file), entry.size))
    };
    let Some((facts, file, size)) = found else { return Err(LogsError::Gone { file: ask.file.clone() }) };
    let failed = |source| LogsError::File { file: facts.name.clone(), source };
    let at = ask.offset.min(size);
    let mut reach = BLOCK;
    loop {
        let (from, to) = (at.saturating_sub(reach), size.min(at + reach));
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        let len = read_some(&file, &mut bytes, from).map_err(failed)?;
        let ranges: Vec<_> = Events::new(facts.kind, &bytes[..len], from == 0).collect();
        let here = ranges.iter().rposition(|range| from + range.start as u64 <= at).unwrap_or(0);
        let (before, after) = (here.min(ask.before), (ranges.len().saturating_sub(here + 1)).min(ask.after));
        let whole = (before == ask.before || from == 0) && (after == ask.after || to == size);
        if whole || reach >= READ_MAX {
            let shown = ranges.into_iter().skip(here - before).take(before + 1 + after);
            let events = shown.map(|range| {
                let offset = from + range.start as u64;
                event(&bytes[range], facts.place(offset), EVENT_MAX as usize)
            });
            return Ok(LogContext { events: events.collect(), at: before, ..LogContext::default() });
        }
        reach *= 4;
    }
}
