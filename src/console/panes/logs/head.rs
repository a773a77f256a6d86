//! Words of the line above the list: how many events match, and who says so.

use crate::console::sanitise;
use crate::console::widgets::words;
use crate::domain::log::{Answered, Hits};

/// `10,000+ hits`.
pub(super) fn hits(hits: Hits) -> String {
    let more = if hits.at_least { "+" } else { "" };
    let what = if hits.count == 1 && !hits.at_least { "hit" } else { "hits" };
    format!("{}{more} {what}", words::grouped(hits.count))
}

/// `Elasticsearch, 12 ms`.
pub(super) fn by(answered: &Answered) -> String {
    let by = sanitise::clean(&answered.by).into_owned();
    if by.is_empty() { by } else { format!("{by}, {}", answered.took) }
}
