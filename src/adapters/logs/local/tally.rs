//! What earlier searches found in each block: a repeated or narrowed one passes over the rest.

use std::collections::{HashMap, HashSet, VecDeque};

use super::block::Tallied;
use crate::domain::log::Expr;

/// Searches that are remembered.
const REMEMBERED: usize = 12;

/// The newest search last.
#[derive(Debug, Default)]
pub(super) struct Tallies(VecDeque<Tally>);

#[derive(Debug)]
struct Tally {
    query: String,
    parts: HashSet<String>,
    /// By file and number of the block.
    found: HashMap<String, Vec<Option<Tallied>>>,
}

/// What is known of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKnowledge {
    Nothing,
    /// Nothing in it matches.
    Empty,
    Found(Tallied),
}

impl Tallies {
    /// What is known of a block for this query. A block without a hit has none for a narrower query.
    pub(super) fn known(&self, query: &str, parts: &HashSet<String>, file: &str, block: usize) -> BlockKnowledge {
        let mut known = BlockKnowledge::Nothing;
        for tally in &self.0 {
            let Some(found) = tally.found.get(file).and_then(|blocks| *blocks.get(block)?) else { continue };
            if tally.query == query {
                return BlockKnowledge::Found(found);
            }
            if found.is_empty() && tally.parts.is_subset(parts) {
                known = BlockKnowledge::Empty;
            }
        }
        known
    }

    /// Remembers what was found in sealed blocks.
    pub(super) fn remember(&mut self, expr: &Expr, found: impl Iterator<Item = (String, usize, Tallied)>) {
        let query = expr.to_string();
        let at = self.0.iter().position(|tally| tally.query == query);
        let mut tally = at.and_then(|at| self.0.remove(at)).unwrap_or_else(|| Tally {
            query,
            parts: parts(expr),
            found: HashMap::new(),
        });
        for (file, block, tallied) in found {
            let blocks = tally.found.entry(file).or_default();
            if blocks.len() <= block {
                blocks.resize(block + 1, None);
            }
            blocks[block] = Some(tallied);
        }
        self.0.push_back(tally);
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// Forgets files that are gone.
    pub(super) fn retain(&mut self, files: &HashSet<&str>) {
        for tally in &mut self.0 {
            tally.found.retain(|file, _| files.contains(file.as_str()));
        }
    }
}

/// The parts of a query that must all hold, as text.
pub(super) fn parts(expr: &Expr) -> HashSet<String> {
    expr.conjuncts().iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::parse;

    #[test]
    fn a_narrower_query_passes_over_blocks_that_the_wider_one_found_empty() {
        let mut tallies = Tallies::default();
        let wide = parse("fsync").unwrap();
        let mut some = Tallied::default();
        some.add(None, 7);
        tallies.remember(&wide, [("a".to_owned(), 0, Tallied::default()), ("a".to_owned(), 1, some)].into_iter());
        let known = |query: &str, block| {
            let expr = parse(query).unwrap();
            tallies.known(&expr.to_string(), &parts(&expr), "a", block)
        };
        assert_eq!(
            (known("fsync", 0), known("fsync", 1)),
            (BlockKnowledge::Found(Tallied::default()), BlockKnowledge::Found(some))
        );
        assert_eq!((known("fsync took", 0), known("fsync took", 1)), (BlockKnowledge::Empty, BlockKnowledge::Nothing));
        assert_eq!(
            (known("took", 0), known("fsync OR took", 0), known("fsync", 7)),
            (BlockKnowledge::Nothing, BlockKnowledge::Nothing, BlockKnowledge::Nothing)
        );
    }
}
