//! A query taken apart for the scan: what decides about files, blocks, and single events.

use std::collections::HashSet;
use std::ops::Range;

use super::super::record::{EventPlace, Head, LineKind, event};
use super::block::{Counts, EVENT_MAX, Events, WordHash, slot};
use super::sieve::Sieve;
use super::store::FileFacts;
use super::tally;
use crate::domain::ids::Timestamp;
use crate::domain::log::{Expr, Field, LogLevel, Matcher, NumberField, Side, Subject, needed_words};

/// What a scan looks for.
pub(super) struct Scan {
    /// What is left for the events themselves.
    pub(super) rest: Expr,
    pub(super) query: String,
    pub(super) parts: HashSet<String>,
    /// Bit of each level that is wanted.
    pub(super) levels: u8,
    pub(super) since: u64,
    /// Not itself wanted any more.
    pub(super) until: u64,
    pub(super) words: Vec<WordHash>,
    files: Matcher,
    matcher: Matcher,
    /// Finds something in every event that matches.
    sieve: Sieve,
    /// The same for lines of JSON, in which a character may be written otherwise.
    json_sieve: Sieve,
    everything: bool,
}

/// An event that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScanHit {
    /// Its time, or that of its block when it tells none.
    pub(super) at: u64,
    pub(super) level: Option<LogLevel>,
    /// In the block.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Scan {
    pub(super) fn new(expr: &Expr, now: Timestamp) -> Self {
        let (mut levels, mut since, mut until) = (u8::MAX, 0, u64::MAX);
        let (mut files, mut rest) = (Vec::new(), Vec::new());
        for part in expr.conjuncts() {
            match part {
                Expr::Level(cmp, level) => {
                    let held = LogLevel::ALL.into_iter().filter(|own| cmp.holds(own, level));
                    levels &= held.fold(0, |bits, own| bits | 1 << slot(Some(own)));
                }
                Expr::Time(Side::Since, moment) => since = since.max(moment.resolve(now).0),
                Expr::Time(Side::Until, moment) => until = until.min(moment.resolve(now).0),
                Expr::Field(Field::Node | Field::Dataset | Field::File, _) => files.push(part.clone()),
                other => rest.push(other.clone()),
            }
        }
        let rest = Expr::and(rest);
        let json_sieve = Sieve::of_needles(&rest);
        Self {
            query: rest.to_string(),
            parts: tally::parts(&rest),
            words: needed_words(&rest).iter().map(|word| WordHash::of(word.as_bytes())).collect(),
            files: Matcher::new(&Expr::and(files), now),
            matcher: Matcher::new(&rest, now),
            everything: rest == Expr::All,
            levels,
            since,
            until,
            sieve: Sieve::of(&rest),
            json_sieve,
            rest,
        }
    }

    pub(super) fn takes_file(&self, facts: &FileFacts) -> bool {
        self.files.matches(&BlockEvent { text: &[], head: Head::default(), facts })
    }

    /// Whether the event is of a wanted level and time.
    pub(super) const fn takes(&self, found: &ScanHit) -> bool {
        self.levels & (1 << slot(found.level)) != 0 && found.at >= self.since && found.at < self.until
    }

    /// How many of these events are of a wanted level.
    pub(super) fn of_levels(&self, counts: &Counts) -> u64 {
        let each = counts.iter().enumerate().filter(|(slot, _)| self.levels & (1 << slot) != 0);
        each.map(|(_, count)| u64::from(*count)).sum()
    }

    /// Calls `found` for each event of a block that matches, whatever its level and time.
    pub(super) fn scan(
        &self,
        facts: &FileFacts,
        bytes: &[u8],
        offset: u64,
        before: u64,
        mut found: impl FnMut(ScanHit),
    ) {
        let events = Events::new(facts.kind, bytes, offset == 0);
        let Sieve { regex, exact, also } = if facts.kind == LineKind::Json { &self.json_sieve } else { &self.sieve };
        let Some(sieve) = regex else {
            for range in events {
                self.judge(facts, bytes, range, None, before, &mut found);
            }
            return;
        };
        let mut at = events.first();
        while at < bytes.len() {
            // Where a hit begins is asked only when that decides: it is found from its end.
            let hit = if *exact {
                sieve.find_at(bytes, at).map(|hit| hit.range())
            } else {
                sieve.shortest_match_at(bytes, at).map(|end| end - 1..end)
            };
            let Some(hit) = hit else { return };
            let range = events.around(hit.start, at);
            at = range.end.max(hit.start + 1);
            if also.iter().all(|regex| regex.is_match(&bytes[range.clone()])) {
                self.judge(facts, bytes, range, exact.then_some(hit), before, &mut found);
            }
        }
    }

    /// `hit`: where the sieve found what alone decides.
    fn judge(
        &self,
        facts: &FileFacts,
        bytes: &[u8],
        Range { start, end }: Range<usize>,
        hit: Option<Range<usize>>,
        before: u64,
        found: &mut impl FnMut(ScanHit),
    ) {
        let text = &bytes[start..end];
        let text = &text[..text.len().min(EVENT_MAX as usize)];
        let told = text.trim_ascii_end().len();
        if told == 0 {
            return;
        }
        let (time, level, matches) = if facts.kind == LineKind::Json {
            let event = event(text, facts.place(0), EVENT_MAX as usize);
            (event.time, event.level, self.everything || self.matcher.matches(&event))
        } else {
            let head = Head::read(text);
            let seen = BlockEvent { text, head, facts };
            // A hit in the date, or across the beginning of the message or the event's end, is none.
            let sure = hit.is_some_and(|hit| {
                let (origin, message) = (start + head.origin_at, start + head.message_at);
                hit.start >= origin && hit.end <= start + told && (hit.end <= message || hit.start >= message)
            });
            (head.time, head.level, sure || self.everything || self.matcher.matches(&seen))
        };
        if matches {
            found(ScanHit { at: time.map_or(before, |time| time.0), level, start, end });
        }
    }
}

impl FileFacts {
    pub(super) fn place(&self, offset: u64) -> EventPlace<'_> {
        let Self { key, name, node, dataset, kind, .. } = self;
        EventPlace { key, file: name, node, dataset: *dataset, kind: *kind, offset }
    }
}

/// An event as it lies in a block.
struct BlockEvent<'a> {
    text: &'a [u8],
    head: Head<'a>,
    facts: &'a FileFacts,
}

impl Subject for BlockEvent<'_> {
    fn time(&self) -> Option<Timestamp> {
        self.head.time
    }

    fn level(&self) -> Option<LogLevel> {
        self.head.level
    }

    fn value(&self, field: &Field) -> Option<&str> {
        match field {
            Field::Node => Some(&self.facts.node),
            Field::Dataset => Some(self.facts.dataset.word()),
            Field::File => Some(&self.facts.name),
            Field::Thread => self.head.thread(),
            Field::Logger => self.head.logger(),
            _ => None,
        }
    }

    fn number(&self, _: NumberField) -> Option<u64> {
        None
    }

    fn any_text(&self, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let (head, text) = (&self.head, self.text.trim_ascii_end());
        let message = text.get(head.message_at..).unwrap_or_default();
        found(message) || text.get(head.origin_at..head.message_at).is_some_and(found)
    }
}
