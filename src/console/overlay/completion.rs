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
    found: Option<Result<Completions, String>>,
}

impl Completing {
    /// The place is asked what could follow the line as it is now.
    pub(super) fn ask(&mut self, line: &Line) {
        self.asked_at = Some(line.before().to_owned());
    }

    /// The line was changed otherwise.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The place's answer; it is of no use any more when the line was changed meanwhile.
    pub(super) fn answer(&mut self, line: &mut Line, found: Result<Completions, String>) {
        if self.asked_at.take().is_some_and(|asked_at| line.before() == asked_at) {
            self.take(line, found);
        }
    }

    pub(super) fn take(&mut self, line: &mut Line, found: Result<Completions, String>) {
        if let Ok(found) = &found
            && !found.append.is_empty()
        {
            line.insert(&found.append);
        }
        self.found = Some(found);
    }

    /// What is said below the line: names that could follow, or why there are none.
    pub(super) fn rows(&self, width: usize, styles: &Styles) -> Vec<(String, Style)> {
        let found = match &self.found {
            None => return Vec::new(),
            Some(Err(why)) => return vec![(sanitise::fit(&sanitise::clean(why), width), styles.warning)],
            Some(Ok(found)) if found.nothing => return vec![("nothing begins so".to_owned(), styles.dim)],
            Some(Ok(found)) => found,
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
