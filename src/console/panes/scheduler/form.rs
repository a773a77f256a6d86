//! The stress form: which node, how many files, how large, and whether the scheduler runs afterwards.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::input::{Key, KeyCode};
use crate::console::keymap::{lacks, needs};
use crate::console::order::Work;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::domain::command::{Command, STRESS_FILES, STRESS_SIZE_KB, Stress};
use crate::domain::ids::{Bytes, NodeId};
use crate::domain::number;
use crate::domain::snapshot::{Level, Snapshot};

/// Digits that a number may have here.
const DIGITS_MAX: usize = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FormField {
    #[default]
    Node,
    Files,
    Size,
    Afterwards,
}

const FIELDS: [FormField; 4] = [FormField::Node, FormField::Files, FormField::Size, FormField::Afterwards];

#[derive(Debug)]
pub(super) struct Form {
    open: bool,
    field: FormField,
    node: Option<NodeId>,
    files: String,
    size_kb: String,
    afterwards: bool,
}

impl Default for Form {
    fn default() -> Self {
        let (files, size_kb) = ("8".to_owned(), "128".to_owned());
        Self { open: false, field: FormField::default(), node: None, files, size_kb, afterwards: true }
    }
}

impl Form {
    pub(super) fn open(&mut self, snapshot: &Snapshot) {
        self.open = true;
        self.field = FormField::Node;
        if self.node.as_ref().is_none_or(|node| snapshot.node(node).is_none()) {
            self.node = snapshot.nodes.first().map(|node| node.id.clone());
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        match key.code {
            KeyCode::Esc => self.open = false,
            KeyCode::Enter => return self.start(),
            KeyCode::Tab | KeyCode::Down => self.step(1),
            KeyCode::BackTab | KeyCode::Up => self.step(FIELDS.len() - 1),
            KeyCode::Left | KeyCode::Char('h') if self.field == FormField::Node => self.turn(snapshot, false),
            KeyCode::Right | KeyCode::Char('l' | ' ') if self.field == FormField::Node => self.turn(snapshot, true),
            KeyCode::Left | KeyCode::Right | KeyCode::Char(' ') if self.field == FormField::Afterwards => {
                self.afterwards = !self.afterwards;
            }
            KeyCode::Backspace => _ = self.number().and_then(String::pop),
            KeyCode::Char(digit) if digit.is_ascii_digit() => {
                if let Some(number) = self.number().filter(|number| number.len() < DIGITS_MAX) {
                    number.push(digit);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    const fn number(&mut self) -> Option<&mut String> {
        match self.field {
            FormField::Files => Some(&mut self.files),
            FormField::Size => Some(&mut self.size_kb),
            FormField::Node | FormField::Afterwards => None,
        }
    }

    fn step(&mut self, by: usize) {
        let at = FIELDS.iter().position(|field| *field == self.field).unwrap_or(0);
        self.field = FIELDS[(at + by) % FIELDS.len()];
    }

    fn turn(&mut self, snapshot: &Snapshot, forward: bool) {
        let nodes = snapshot.node_ids();
        let Some(last) = nodes.len().checked_sub(1) else { return };
        let at = self.node.as_ref().and_then(|node| nodes.iter().position(|own| own == node)).unwrap_or(0);
        let at = match (forward, at) {
            (true, at) if at == last => 0,
            (true, at) => at + 1,
            (false, 0) => last,
            (false, at) => at - 1,
        };
        self.node = nodes.get(at).cloned();
    }

    fn start(&mut self) -> Vec<Effect> {
        let complaint = |text: String| vec![Effect::Toast { level: Level::Error, text }];
        let Some(node) = self.node.clone() else {
            return complaint("node: there is none yet; wait for a connection".into());
        };
        let files = match number::typed("files", &self.files, &STRESS_FILES) {
            Ok(files) => files,
            Err(why) => {
                self.field = FormField::Files;
                return complaint(format!("stress refused: {why}"));
            }
        };
        let size = match number::typed("size", &self.size_kb, &STRESS_SIZE_KB) {
            Ok(size) => Bytes(size * 1024),
            Err(why) => {
                self.field = FormField::Size;
                return complaint(format!("stress refused: {why}"));
            }
        };
        self.open = false;
        vec![Effect::Work(Work::Send(Command::Stress(Stress {
            node,
            files,
            size,
            trigger_scheduler: self.afterwards,
        })))]
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        if let Some(why) = lacks(needs(Action::Stress), view.read_only, view.snapshot) {
            paint::text(area, buffer, 0, "STRESS  off", styles.heading);
            paint::text(area, buffer, 1, &format!("  {why}"), styles.dim);
            return;
        }
        let key = if self.open { Some("Esc leaves".to_owned()) } else { view.key(Action::Stress) };
        let key = key.map_or_else(String::new, |key| format!("  {key}"));
        paint::text(area, buffer, 0, &format!("STRESS{key}"), styles.heading);
        let style = |field| -> Style { if self.open && self.field == field { styles.selected } else { styles.text } };
        let node = words::or_dash(self.node.as_ref().or_else(|| view.snapshot.nodes.first().map(|node| &node.id)));
        let rows = [
            (FormField::Node, format!("node   < {node} >")),
            (FormField::Files, format!("files  {}", self.files)),
            (FormField::Size, format!("size   {} KiB each", self.size_kb)),
            (
                FormField::Afterwards,
                format!("[{}] run the scheduler afterwards", if self.afterwards { 'x' } else { ' ' }),
            ),
        ];
        for (row, (field, text)) in rows.iter().enumerate() {
            let mark = if self.open && self.field == *field { "> " } else { "  " };
            paint::text(area, buffer, row as u16 + 1, &format!("{mark}{text}"), style(*field));
        }
        let hint = if self.open { "  Enter start  Tab next  Left/Right" } else { "" };
        paint::text(area, buffer, rows.len() as u16 + 1, hint, styles.dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::notation::parse_keys;
    use crate::domain::fixtures;

    fn typed(keys: &str) -> (Form, Vec<Effect>) {
        let snapshot = fixtures::snapshot();
        let mut form = Form::default();
        form.open(&snapshot);
        let effects = parse_keys(keys).into_iter().flat_map(|key| form.key(key, &snapshot)).collect();
        (form, effects)
    }

    #[test]
    fn a_filled_form_is_a_stress() {
        let (form, effects) = typed("Right Tab Backspace 1 2 Down Backspace Tab Space Enter");
        let [Effect::Work(Work::Send(Command::Stress(stress)))] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((stress.node.as_str(), stress.files, stress.size), ("zk2", 12, Bytes(12 * 1024)));
        assert!(!stress.trigger_scheduler && !form.is_open());
        assert_eq!(typed("Left").0.node.map(|node| node.to_string()).as_deref(), Some("zk3"));
    }

    #[test]
    fn a_bad_number_names_its_field_and_starts_nothing() {
        for (keys, field) in
            [("Tab Backspace Enter", "files \"\""), ("Tab Tab Backspace Backspace Backspace 0 Enter", "size \"0\"")]
        {
            let (form, effects) = typed(keys);
            let [Effect::Toast { text, .. }] = effects.as_slice() else { panic!("{effects:?}") };
            assert!(text.starts_with(&format!("stress refused: {field} is not a whole number from 1 to 1")), "{text}");
            assert!(form.is_open(), "{text}");
        }
    }
}
