//! A stretch of a file that holds whole events: how it is cut into events, and what is remembered of
//! it so that a search may pass over it.

use std::ops::Range;

use super::super::record::{Head, LineKind, json};
use crate::domain::log::{LogLevel, of_word};

/// Blocks are about so long.
pub(super) const BLOCK: u64 = 64 * 1024;
/// An event that goes on for longer is cut here.
pub(super) const EVENT_MAX: u64 = 1 << 20;
/// Words of 64 bits in a filter: with the rest of [`Block`] under 2 % of [`BLOCK`].
const FILTER_WORDS: usize = 144;
const FILTER_BITS: u64 = (FILTER_WORDS * 64) as u64;
/// Bits that a word sets; about 1,500 different words are in a block, so 1 block in 20 is read in vain.
const FILTER_HASHES: u64 = 4;
/// A word has at most so many bytes that count.
const WORD_MAX: usize = 64;

/// Counted events by level: none, trace, debug, info, warn, error.
pub(super) type Counts = [u32; 6];

/// What a search found in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tallied {
    pub(super) counts: Counts,
    /// Times of what was found.
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Default for Tallied {
    fn default() -> Self {
        Self { counts: Counts::default(), first: u64::MAX, last: 0 }
    }
}

impl Tallied {
    pub(super) fn add(&mut self, level: Option<LogLevel>, at: u64) {
        self.counts[slot(level)] += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }

    /// Whether nothing was found.
    pub(super) const fn is_empty(&self) -> bool {
        self.first > self.last
    }
}

/// Where a level is counted.
pub(super) const fn slot(level: Option<LogLevel>) -> usize {
    match level {
        None => 0,
        Some(level) => level as usize + 1,
    }
}

/// What is remembered of a block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) offset: u64,
    pub(super) len: u64,
    /// Times of its events lie from here ...
    pub(super) first: u64,
    /// ... to here. As far as `facts` are missing, this is taken from its neighbours.
    pub(super) last: u64,
    pub(super) facts: Option<Box<BlockFacts>>,
}

/// What reading all of a block told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockFacts {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Bit [`slot`] of each level that occurs.
    pub(super) levels: u8,
    filter: [u64; FILTER_WORDS],
}

impl BlockFacts {
    /// Reads all of a block; `before` is the time of what has none.
    pub(super) fn read(kind: LineKind, bytes: &[u8], before: u64) -> Self {
        let mut facts = Self { filter: [0; FILTER_WORDS], ..Self::outline(kind, bytes, before) };
        facts.words(bytes);
        facts
    }

    /// Times and levels only, which takes a tenth of the time: any word may be in it.
    pub(super) fn outline(kind: LineKind, bytes: &[u8], before: u64) -> Self {
        let mut facts = Self { first: u64::MAX, last: 0, levels: 0, filter: [u64::MAX; FILTER_WORDS] };
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at + 1);
            let line = &bytes[start..end];
            start = end;
            if !kind.begins(line) {
                continue;
            }
            let (time, level) = match kind {
                LineKind::Dated => {
                    let head = Head::read(line);
                    (head.time, head.level)
                }
                LineKind::Json => json(line).map_or((None, None), |event| (event.time, event.level)),
                LineKind::Plain => (None, None),
            };
            let at = time.map_or(before, |time| time.0);
            facts.first = facts.first.min(at);
            facts.last = facts.last.max(at);
            facts.levels |= 1 << slot(level);
        }
        if facts.first > facts.last {
            (facts.first, facts.last) = (before, before);
            facts.levels |= 1;
        }
        facts
    }

    fn words(&mut self, bytes: &[u8]) {
        let mut hash = WordHash::new();
        let mut len = 0;
        let mut escaped = false;
        for (at, byte) in bytes.iter().enumerate() {
            if of_word(*byte) {
                if len == 0 {
                    escaped = at > 0 && bytes[at - 1] == b'\\';
                }
                hash.add(*byte);
                len += 1;
            } else if len > 0 {
                self.set(hash);
                if escaped {
                    // `\nfoo` in JSON is a line break and `foo`.
                    self.set(WordHash::of(&bytes[at - len + 1..at]));
                }
                (hash, len) = (WordHash::new(), 0);
            }
        }
        if len > 0 {
            self.set(hash);
        }
    }

    fn set(&mut self, hash: WordHash) {
        for bit in hash.bits() {
            self.filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    /// Whether the block may hold all these words.
    pub(super) fn may_hold(&self, words: &[WordHash]) -> bool {
        words.iter().all(|word| word.bits().all(|bit| self.filter[(bit / 64) as usize] & (1 << (bit % 64)) != 0))
    }
}

/// FNV-1a of a word in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WordHash {
    value: u64,
    len: usize,
}

impl WordHash {
    const fn new() -> Self {
        Self { value: 0xcbf2_9ce4_8422_2325, len: 0 }
    }

    pub(super) fn of(word: &[u8]) -> Self {
        let mut hash = Self::new();
        word.iter().for_each(|byte| hash.add(*byte));
        hash
    }

    fn add(&mut self, byte: u8) {
        if self.len < WORD_MAX {
            self.value = (self.value ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
            self.len += 1;
        }
    }

    fn bits(self) -> impl Iterator<Item = u64> {
        let (a, b) = (self.value >> 32, self.value & 0xffff_ffff | 1);
        (0..FILTER_HASHES)
            .map(move |n| a.wrapping_add(b.wrapping_mul(n)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)
            .map(|bit| bit % FILTER_BITS)
    }
}

/// The events of a block, one after the other. What comes before the first one continues an event of
/// the block before, unless the file begins here.
pub(super) struct Events<'a> {
    kind: LineKind,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Events<'a> {
    pub(super) fn new(kind: LineKind, bytes: &'a [u8], begins_file: bool) -> Self {
        let mut events = Self { kind, bytes, at: 0 };
        if !begins_file && !kind.begins(bytes) {
            events.at = events.next_start(0);
        }
        events
    }

    /// Where the first event behind `from` begins; `from` itself is inside an event.
    pub(super) fn next_start(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(end) = memchr::memchr(b'\n', &self.bytes[at..]) {
            at += end + 1;
            if at >= self.bytes.len() || self.kind.begins(&self.bytes[at..]) {
                return at;
            }
        }
        self.bytes.len()
    }

    /// The event that the byte at `at` belongs to; it does not begin before `floor`, where one begins.
    pub(super) fn around(&self, at: usize, floor: usize) -> Range<usize> {
        let line = |at: usize| memchr::memrchr(b'\n', &self.bytes[floor..at]).map_or(floor, |end| floor + end + 1);
        let mut start = line(at);
        while start > floor && !self.kind.begins(&self.bytes[start..]) {
            start = line(start - 1);
        }
        start..self.next_start(at.max(start))
    }

    /// Where events can begin at all.
    pub(super) const fn first(&self) -> usize {
        self.at
    }
}

impl Iterator for Events<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        self.at = self.next_start(start);
        Some(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"\tat lost\n2026-11-23 14:00:00,000 - INFO  [a:B@1] - one\nmore\n\
                          2026-11-23 14:00:01,000 - WARN  [a:B@1] - two NullPointerException\n";

    fn texts(begins_file: bool) -> Vec<&'static str> {
        let events = Events::new(LineKind::Dated, TEXT, begins_file);
        events.map(|range| std::str::from_utf8(&TEXT[range]).unwrap().trim_end().rsplit(' ').next().unwrap()).collect()
    }

    #[test]
    fn continuation_lines_stay_with_their_event() {
        assert_eq!(texts(true), ["lost", "one\nmore", "NullPointerException"]);
        assert_eq!(texts(false), ["one\nmore", "NullPointerException"]);
        let events = Events::new(LineKind::Dated, TEXT, true);
        let more = memchr::memmem::find(TEXT, b"more").unwrap();
        assert_eq!(&TEXT[events.around(more, 0)][..10], b"2026-11-23");
        assert!(TEXT[events.around(more, 0)].ends_with(b"more\n"));
        assert_eq!(events.around(1, 0).start, 0);
    }

    #[test]
    fn a_filter_knows_every_word_and_hardly_another() {
        let facts = BlockFacts::read(LineKind::Dated, TEXT, 5);
        assert_eq!((facts.last - facts.first, facts.levels), (1000, 1 << 3 | 1 << 4));
        for word in ["nullpointerexception", "one", "more", "lost", "2026"] {
            assert!(facts.may_hold(&[WordHash::of(word.as_bytes())]), "{word}");
        }
        let foreign = (0..1000).filter(|n| facts.may_hold(&[WordHash::of(format!("word{n}").as_bytes())])).count();
        assert!(foreign < 5, "{foreign} of 1000");
        let json = BlockFacts::read(LineKind::Json, br#"{"message":"a\nfoo"}"#, 0);
        assert!(json.may_hold(&[WordHash::of(b"foo"), WordHash::of(b"a")]));
    }

    #[test]
    fn what_is_remembered_is_under_two_per_cent() {
        let bytes = size_of::<Block>() + size_of::<BlockFacts>();
        assert!(bytes as u64 * 50 <= BLOCK, "{bytes} bytes for each block");
    }

    #[test]
    fn a_full_block_is_rarely_read_in_vain() {
        let text: String = (0..330)
            .map(|n| format!("2026-11-23 14:00:00,{n:03} id{n} zxid{} w{} x{}\n", n * 7, n * 11, n * 13))
            .collect();
        let facts = BlockFacts::read(LineKind::Dated, text.as_bytes(), 0);
        let vain = (0..10_000).filter(|n| facts.may_hold(&[WordHash::of(format!("rare{n}").as_bytes())])).count();
        assert!(vain < 1000, "{vain} of 10000");
    }
}
