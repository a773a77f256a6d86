//! Blocks of values: one series, one tier, [`CHUNK_BUCKETS`] buckets.

use std::collections::BTreeMap;

use super::buckets::Tier;
use super::names::SeriesKey;
use super::point::SeriesPoint;
use super::sample::SeriesSample;
use crate::domain::ids::{Millis, Timestamp};

/// Buckets of one block: two minutes of seconds, two hours of minutes.
pub const CHUNK_BUCKETS: usize = Tier::BLOCK as usize;
const POINT_BYTES: usize = 8;
/// Bytes of a block: mean and largest value of each bucket, 32 bits each, little-endian; no number where there is none.
pub const CHUNK_BYTES: usize = CHUNK_BUCKETS * POINT_BYTES;

/// Values of one series in one tier, from `start` on.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesChunk {
    pub tier: Tier,
    pub start: Timestamp,
    points: Vec<Option<SeriesPoint>>,
    /// The bucket under way and how many values it has so far.
    open: (usize, u32),
}

impl SeriesChunk {
    /// An empty one, of the block that `at` is in.
    #[must_use]
    pub fn at(tier: Tier, at: Timestamp) -> Self {
        Self { tier, start: Self::start_of(tier, at), points: vec![None; CHUNK_BUCKETS], open: (0, 0) }
    }

    /// Begin of the block that `at` is in.
    #[must_use]
    pub const fn start_of(tier: Tier, at: Timestamp) -> Timestamp {
        Timestamp(at.0 - at.0 % Self::span(tier).0)
    }

    /// Time of a whole block.
    #[must_use]
    pub const fn span(tier: Tier) -> Millis {
        tier.block()
    }

    /// Reads a block; `None` when it is not of this form.
    #[must_use]
    pub fn read(tier: Tier, start: Timestamp, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != CHUNK_BYTES {
            return None;
        }
        let number = |part: &[u8]| Some(f32::from_le_bytes(part.try_into().ok()?)).filter(|value| value.is_finite());
        let point = |part: &[u8]| Some(SeriesPoint { mean: number(&part[..4])?, max: number(&part[4..])? });
        let points = bytes.chunks_exact(POINT_BYTES).map(point).collect();
        Some(Self { tier, start, points, open: (0, 0) })
    }

    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let numbers = |point: &Option<SeriesPoint>| point.map_or([f32::NAN; 2], |point| [point.mean, point.max]);
        self.points.iter().flat_map(numbers).flat_map(f32::to_le_bytes).collect()
    }

    /// Takes a value in; its moment is in this block.
    fn put(&mut self, at: Timestamp, value: f32) {
        let place = usize::try_from(at.since(self.start).0 / self.tier.bucket().0).unwrap_or(usize::MAX);
        let Some(point) = self.points.get_mut(place) else { return };
        let seen = if self.open.0 == place { self.open.1 } else { 0 };
        self.open = (place, seen + 1);
        *point = Some(match *point {
            Some(before) if seen > 0 => SeriesPoint {
                mean: before.mean + (value - before.mean) / (seen + 1) as f32,
                max: before.max.max(value),
            },
            _ => SeriesPoint { mean: value, max: value },
        });
    }

    /// Adds what `other`, of the same block, has and this one has not: two processes may watch at the same time.
    pub fn fill_from(&mut self, other: &Self) {
        for (own, theirs) in self.points.iter_mut().zip(&other.points) {
            *own = own.or(*theirs);
        }
    }

    /// Values with the begin of each one's bucket.
    pub fn values(&self) -> impl Iterator<Item = (Timestamp, SeriesPoint)> {
        let (start, bucket) = (self.start, self.tier.bucket().0);
        let at = move |place: usize| start.plus(Millis(place as u64 * bucket));
        self.points.iter().enumerate().filter_map(move |(place, point)| point.map(|point| (at(place), point)))
    }
}

/// Blocks that are not whole yet or not written yet.
#[derive(Debug, Default)]
pub struct SeriesBuffer {
    open: BTreeMap<(SeriesKey, Tier), SeriesChunk>,
    whole: Vec<(SeriesKey, SeriesChunk)>,
}

impl SeriesBuffer {
    /// Most series that are kept; the values of others are dropped.
    pub const SERIES_MAX: usize = 4_096;
    /// Blocks that may wait to be written while the file cannot be; the oldest go first.
    const WAITING_MAX: usize = 4 * Self::SERIES_MAX;

    /// Takes one second in.
    pub fn put(&mut self, sample: &SeriesSample) {
        for (key, value) in &sample.values {
            for tier in Tier::ALL {
                self.put_one(key, tier, sample.at, *value);
            }
        }
        let over = self.whole.len().saturating_sub(Self::WAITING_MAX);
        self.whole.drain(..over);
    }

    fn put_one(&mut self, key: &SeriesKey, tier: Tier, at: Timestamp, value: f32) {
        let place = (key.clone(), tier);
        if !self.open.contains_key(&place) && self.open.len() >= Self::SERIES_MAX * Tier::ALL.len() {
            return;
        }
        let chunk = self.open.entry(place).or_insert_with(|| SeriesChunk::at(tier, at));
        // A clock that was set back is in another block too.
        if chunk.start != SeriesChunk::start_of(tier, at) {
            let whole = std::mem::replace(chunk, SeriesChunk::at(tier, at));
            self.whole.push((key.clone(), whole));
        }
        chunk.put(at, value);
    }

    /// Every block that is not on disk, oldest first: those that are whole, then those under way.
    pub fn waiting(&self) -> impl Iterator<Item = (&SeriesKey, &SeriesChunk)> {
        let open = self.open.iter().map(|((key, _), chunk)| (key, chunk));
        self.whole.iter().map(|(key, chunk)| (key, chunk)).chain(open)
    }

    /// All of [`Self::waiting`] is on disk; those under way go on.
    pub fn written(&mut self) {
        self.whole.clear();
    }

    /// Values of one series in one tier that may not be on disk.
    pub fn values(&self, key: &SeriesKey, tier: Tier) -> impl Iterator<Item = &SeriesChunk> {
        let whole = self.whole.iter().filter(move |(of, chunk)| of == key && chunk.tier == tier);
        whole.map(|(_, chunk)| chunk).chain(self.open.get(&(key.clone(), tier)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::series::names::SeriesName;

    const CANARY: SeriesKey = SeriesKey { name: SeriesName::Canary, node: None };
    /// Begin of a block of every tier.
    const START: u64 = 7_200_000 * 1_000;

    fn second(at: u64, value: f32) -> SeriesSample {
        SeriesSample { at: Timestamp(START + at * 1000), values: vec![(CANARY, value)] }
    }

    fn values(buffer: &SeriesBuffer, tier: Tier) -> Vec<(u64, f32, f32)> {
        let all = buffer.values(&CANARY, tier).flat_map(|chunk| chunk.values().collect::<Vec<_>>());
        all.map(|(at, point)| ((at.0 - START) / 1000, point.mean, point.max)).collect()
    }

    #[test]
    fn each_second_is_in_every_tier() {
        let mut buffer = SeriesBuffer::default();
        for (at, value) in [(0, 1.0), (1, 3.0), (9, 8.0), (10, 5.0), (70, 2.0)] {
            buffer.put(&second(at, value));
        }
        assert_eq!(
            values(&buffer, Tier::Second),
            [(0, 1.0, 1.0), (1, 3.0, 3.0), (9, 8.0, 8.0), (10, 5.0, 5.0), (70, 2.0, 2.0)]
        );
        assert_eq!(values(&buffer, Tier::TenSeconds), [(0, 4.0, 8.0), (10, 5.0, 5.0), (70, 2.0, 2.0)]);
        assert_eq!(values(&buffer, Tier::Minute), [(0, 4.25, 8.0), (60, 2.0, 2.0)]);
    }

    #[test]
    fn a_block_that_is_whole_waits_until_it_is_written() {
        let mut buffer = SeriesBuffer::default();
        buffer.put(&second(119, 1.0));
        buffer.put(&second(120, 2.0));
        assert_eq!(buffer.waiting().count(), 4, "two of seconds, one of each other tier");
        assert_eq!(values(&buffer, Tier::Second), [(119, 1.0, 1.0), (120, 2.0, 2.0)]);
        buffer.written();
        assert_eq!(values(&buffer, Tier::Second), [(120, 2.0, 2.0)]);
        buffer.put(&second(5, 3.0));
        assert_eq!(values(&buffer, Tier::Second), [(120, 2.0, 2.0), (5, 3.0, 3.0)], "a clock that was set back");
    }

    #[test]
    fn a_block_reads_back_and_is_filled_by_another_process() {
        let mut own = SeriesChunk::at(Tier::Second, Timestamp(START));
        own.put(Timestamp(START + 1000), 0.5);
        let mut theirs = SeriesChunk::at(Tier::Second, Timestamp(START));
        theirs.put(Timestamp(START + 1000), 9.0);
        theirs.put(Timestamp(START + 4000), 7.0);
        let read = SeriesChunk::read(Tier::Second, Timestamp(START), &theirs.bytes()).expect("of this form");
        own.fill_from(&read);
        let means: Vec<_> = own.values().map(|(at, point)| (at.0 - START, point.mean)).collect();
        assert_eq!(means, [(1000, 0.5), (4000, 7.0)]);
        assert_eq!(SeriesChunk::read(Tier::Second, Timestamp(START), &[0; 3]), None);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut buffer = SeriesBuffer::default();
        for minute in 0..SeriesBuffer::WAITING_MAX as u64 + 50 {
            buffer.put(&second(minute * 120, 1.0));
        }
        assert!(buffer.whole.len() <= SeriesBuffer::WAITING_MAX);
    }
}
