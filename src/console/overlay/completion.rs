//! What could follow a line that is typed: sure beginnings are put in, names among which it is not clear are shown.

use ratatui::style::Style;

use crate::console::line::Line;
use crate::console::paths;
use crate::console::place::Completions;
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::domain::number::grouped;

/// Rows of names, at most.
const ROWS: usize = 8;

/// The last answer, and the question that has none yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Completing {
    /// What stood before the cursor when the place was asked.
    asked_at: Option<String>,
    /// What could follow this text before the cursor.
    found: Option<(String, Result<Completions, String>)>,
}

impl Completing {
    /// The place is asked what could follow the line as it is now.
    pub(super) fn ask(&mut self, line: &Line) {
        self.asked_at = Some(line.before().to_owned());
    }

    /// The place's answer; it is of no use any more when the line was changed meanwhile. Whether the place knows nothing
    /// that could follow.
    pub(super) fn answer(&mut self, line: &mut Line, found: Result<Completions, String>) -> bool {
        if self.asked_at.take().is_none_or(|asked_at| line.before() != asked_at) {
            return false;
        }
        let says_nothing = |found: &Completions| found.append.is_empty() && found.names.is_empty() && !found.cut;
        let knows_nothing = found.as_ref().is_ok_and(says_nothing);
        self.take(line, found);
        knows_nothing
    }

    pub(super) fn take(&mut self, line: &mut Line, found: Result<Completions, String>) {
        if let Ok(found) = &found
            && !found.append.is_empty()
        {
            line.insert(&found.append);
        }
        self.found = Some((line.before().to_owned(), found));
    }

    /// What is said below the line until another text stands before the cursor: names that could follow, or why there are
    /// none.
    pub(super) fn rows(&self, line: &Line, width: usize, styles: &Styles) -> Vec<(String, Style)> {
        let found = match self.found.as_ref().filter(|(text, _)| line.before() == text) {
            None => return Vec::new(),
            Some((_, Err(why))) => return vec![(sanitise::fit(&sanitise::clean(why), width), styles.warning)],
            Some((_, Ok(found))) if found.nothing => return vec![("nothing begins so".to_owned(), styles.dim)],
            Some((_, Ok(found))) => found,
        };
        let names: Vec<_> = found.names.iter().map(|name| sanitise::clean(name)).collect();
        let widest = names.iter().map(|name| sanitise::width(name)).max().unwrap_or(0).clamp(1, width.max(1));
        let columns = ((width + 2) / (widest + 2)).max(1);
        let shown = names.len().min(columns * ROWS);
        let cell = |name: &str| {
            let name = sanitise::fit(name, widest);
            let gap = widest - sanitise::width(&name);
            name + &" ".repeat(gap)
        };
        let row = |names: &[_]| names.iter().map(|name: &std::borrow::Cow<'_, str>| cell(name)).collect::<Vec<_>>();
        let rows = names[..shown].chunks(columns).map(|names| (row(names).join("  "), styles.text));
        let mut rows: Vec<_> = rows.collect();
        let more = names.len() - shown + found.more;
        if found.cut {
            rows.push(("the folder holds more than was looked at: type more of the name".to_owned(), styles.dim));
        } else if more > 0 {
            rows.push((format!("and {} more", grouped(more as u64)), styles.dim));
        }
        rows
    }
}

/// Those of the words that begin so.
pub(super) fn among(words: &[String], begun: &str) -> Completions {
    let names: Vec<String> = words.iter().filter(|word| word.starts_with(begun)).cloned().collect();
    let Some(first) = names.first() else { return Completions { nothing: true, ..Completions::default() } };
    let shared = names.iter().fold(first.as_str(), |shared, name| paths::shared(shared, name));
    let append = shared.get(begun.len()..).unwrap_or_default().to_owned();
    let names = if names.len() > 1 { names } else { Vec::new() };
    Completions { append, names, ..Completions::default() }
}
