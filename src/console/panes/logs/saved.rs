//! Saved searches: a list to choose from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::order::Work;
use crate::console::place::{KeptLines, KeptLinesAsk, LineChange};
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::console::widgets::paint;
use crate::domain::snapshot::Level;

#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) list: Vec<String>,
    pub(super) cursor: Cursor,
    pub(super) open: bool,
    /// What was asked and is not answered yet: each change is told.
    asked: Vec<(LineChange, Asked<KeptLinesAsk>)>,
}

impl Saved {
    pub(super) fn ask(&mut self, change: LineChange) -> Effect {
        let mut asked = Asked::default();
        let fetch = asked.put(KeptLinesAsk { of: KeptLines::Searches, change: change.clone() });
        self.asked.push((change, asked));
        Effect::Work(Work::Lines(fetch))
    }

    /// What is to be told of the answers that have come.
    pub(super) fn take_answers(&mut self) -> Vec<Effect> {
        let came = |(_, answer): &mut (LineChange, Asked<KeptLinesAsk>)| answer.take();
        let mut told = Vec::new();
        for mut one in std::mem::take(&mut self.asked) {
            match came(&mut one) {
                None => self.asked.push(one),
                Some(Ok(list)) => {
                    let text = self.take(&one.0, list);
                    told.extend(text.map(|text| Effect::Toast { level: Level::Info, text }));
                }
                Some(Err(text)) => told.push(Effect::Toast { level: Level::Warning, text }),
            }
        }
        told
    }

    /// Those that are kept now; what to say of it, when they were changed as asked.
    fn take(&mut self, asked: &LineChange, list: Vec<String>) -> Option<String> {
        self.list = list;
        self.cursor.at = self.cursor.at.min(self.list.len().saturating_sub(1));
        match asked {
            LineChange::Read => None,
            LineChange::Add(search) => Some(format!("saved: {search}")),
            LineChange::Remove(search) => Some(format!("removed: {search}")),
        }
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let hints = [(Action::Open, "searches"), (Action::RemoveSearch, "removes"), (Action::Back, "back")];
        let hints: Vec<_> = hints.iter().filter_map(|(action, does)| view.hint(*action, does)).collect();
        let title = format!("  SAVED SEARCHES   {}", hints.join("   "));
        paint::text(area, buffer, 0, &sanitise::fit(&title, usize::from(area.width)), styles.heading);
        let list = paint::below(area, 2);
        if self.list.is_empty() {
            paint::text(list, buffer, 0, "  None yet: B saves the search that is shown.", styles.dim);
        }
        let first = self.cursor.first(usize::from(list.height));
        for (row, (at, query)) in self.list.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate() {
            let selected = at == self.cursor.at;
            let text = format!("{} {}", if selected { " >" } else { "  " }, sanitise::clean(query));
            let text = sanitise::fit(&text, usize::from(area.width));
            paint::line(list, buffer, row as u16, &Line::from(text).style(styles.row(selected)));
        }
    }
}
