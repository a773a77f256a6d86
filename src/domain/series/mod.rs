//! What is measured over time: which values there are, how they are kept, and how a front asks for them.
//!
//! `names` tells which series there are, `ask` is the question and its answer, `buckets` the arithmetic of time (which bucket
//! a moment is in, how buckets become coarser ones), `prometheus` and `fill`
//! how another source fills what is open, `chunk` the block in which values are kept, `sample` what one second of
//! a snapshot is worth.

mod ask;
mod buckets;
mod chunk;
mod fill;
mod names;
mod point;
mod prometheus;
mod sample;

pub use self::ask::{NoAxis, POINTS_MAX, SERIES_ASKED_MAX, SeriesAsk, SeriesAxis, SeriesLine, SeriesPage};
pub use self::buckets::{Tier, regroup};
pub use self::chunk::{CHUNK_BUCKETS, CHUNK_BYTES, SeriesBuffer, SeriesChunk};
pub use self::names::{NoSeries, SeriesKey, SeriesName, SeriesOf, SeriesUnit};
pub use self::point::SeriesPoint;
pub use self::prometheus::PrometheusPart;
pub use self::sample::{Sampler, SeriesSample};
