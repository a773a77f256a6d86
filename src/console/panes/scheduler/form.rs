//! The stress form: which node, how many files, how large, and whether the scheduler runs afterwards.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::input::{Key, KeyCode};
use crate::console::keymap::{lacks, needs};
use crate::console::line::Line;
use crate::console::order::Work;
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::domain::command::{Command, STRESS_FILES, STRESS_SIZE_KB, Stress};
use crate::domain::ids::{Bytes, NodeId};
use crate::domain::number;
use crate::domain::snapshot::{Level, Snapshot};

/// Columns of a number while it is typed.
const NUMBER: u16 = 9;

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
    files: Line,
    size_kb: Line,
    afterwards: bool,
}

impl Default for Form {
    fn default() -> Self {
        let (files, size_kb) = (Line::preset("8"), Line::preset("128"));
        Self { open: false, field: FormField::default(), node: None, files, size_kb, afterwards: true }
    }
}

impl Form {
    pub(super) fn open(&mut self, snapshot: &Snapshot) {
        self.open = true;
        self.enter(FormField::Node);
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
            _ => {
                if let Some(number) = self.number() {
                    number.key(key);
                }
            }
        }
        Vec::new()
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(number) = self.number() {
            number.insert(text);
        }
    }

    const fn number(&mut self) -> Option<&mut Line> {
        match self.field {
            FormField::Files => Some(&mut self.files),
            FormField::Size => Some(&mut self.size_kb),
            FormField::Node | FormField::Afterwards => None,
        }
    }

    fn files(&self) -> Result<u64, String> {
        number::typed("files", self.files.text().trim(), &STRESS_FILES)
    }

    fn size(&self) -> Result<Bytes, String> {
        number::typed("size", self.size_kb.text().trim(), &STRESS_SIZE_KB).map(|kib| Bytes(kib * 1024))
    }

    /// What it would pile up as it is filled in now; nothing known when a field is wrong.
    fn consequence(&self) -> String {
        match (self.files(), self.size()) {
            (Ok(files), Ok(size)) => format!("= {}, {}", words::count(files, "file"), Bytes(files * size.0)),
            _ => "= -".to_owned(),
        }
    }

    fn step(&mut self, by: usize) {
        let at = FIELDS.iter().position(|field| *field == self.field).unwrap_or(0);
        self.enter(FIELDS[(at + by) % FIELDS.len()]);
    }

    /// Goes to a field: what is typed there takes the place of what it holds.
    fn enter(&mut self, field: FormField) {
        self.field = field;
        if let Some(number) = self.number() {
            *number = Line::preset(&number.text());
        }
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
        let (files, size) = match (self.files(), self.size()) {
            (Ok(files), Ok(size)) => (files, size),
            (Err(why), _) => {
                self.enter(FormField::Files);
                return complaint(format!("stress refused: {why}"));
            }
            (_, Err(why)) => {
                self.enter(FormField::Size);
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
        let mark = |field| if self.open && self.field == field { "> " } else { "  " };
        let afterwards = if self.afterwards { 'x' } else { ' ' };
        let node = format!("{}node   < {node} >", mark(FormField::Node));
        paint::text(area, buffer, 1, &node, style(FormField::Node));
        self.draw_number(FormField::Files, paint::below(area, 2), buffer, view);
        self.draw_number(FormField::Size, paint::below(area, 3), buffer, view);
        let afterwards = format!("{}[{afterwards}] run the scheduler afterwards", mark(FormField::Afterwards));
        paint::text(area, buffer, 4, &afterwards, style(FormField::Afterwards));
        if self.open {
            paint::text(area, buffer, 5, &format!("  {}", self.consequence()), styles.accent);
            paint::text(area, buffer, 6, "  Enter starts it   Tab next field", styles.dim);
        }
    }

    /// One row: the number, and beside it its unit or what is wrong with it.
    fn draw_number(&self, field: FormField, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let here = self.open && self.field == field;
        let (label, line, unit, of, wrong) = match field {
            FormField::Files => ("files", &self.files, "", &STRESS_FILES, self.files().is_err()),
            _ => ("size ", &self.size_kb, "KiB each", &STRESS_SIZE_KB, self.size().is_err()),
        };
        let lead = format!("{}{label}  ", if here { "> " } else { "  " });
        paint::text(area, buffer, 0, &lead, if here { styles.selected } else { styles.text });
        let used = lead.len() as u16;
        let rest = Rect { x: area.x + used.min(area.width), width: area.width.saturating_sub(used), ..area };
        let text = line.text();
        let wide = if here || wrong { NUMBER } else { sanitise::width(&text) as u16 };
        let number = Rect { width: wide.min(rest.width), ..rest };
        if here {
            line.draw(number, buffer, styles);
        } else {
            paint::text(number, buffer, 0, &sanitise::clean(&text), if wrong { styles.bad } else { styles.text });
        }
        let beside = Rect { x: rest.x + number.width, width: rest.width - number.width, ..rest };
        if wrong {
            let (least, most) = (number::grouped(*of.start()), number::grouped(*of.end()));
            paint::text(beside, buffer, 0, &format!("not {least} to {most}"), styles.bad);
        } else {
            paint::text(beside, buffer, 0, &format!(" {unit}"), styles.text);
        }
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

    fn stress(keys: &str) -> Stress {
        let (form, effects) = typed(keys);
        let [Effect::Work(Work::Send(Command::Stress(stress)))] = effects.as_slice() else { panic!("{effects:?}") };
        assert!(!form.is_open());
        stress.clone()
    }

    #[test]
    fn a_filled_form_is_a_stress() {
        let filled = stress("Right Tab 1 2 Down Backspace Tab Space Enter");
        assert_eq!((filled.node.as_str(), filled.files, filled.size), ("zk2", 12, Bytes(12 * 1024)));
        assert!(!filled.trigger_scheduler);
        assert_eq!(typed("Left").0.node.map(|node| node.to_string()).as_deref(), Some("zk3"));
    }

    #[test]
    fn a_field_that_is_entered_is_replaced_by_what_is_typed() {
        for (keys, files) in [
            ("Tab 1 2 Enter", 12),
            ("Tab 1 2 Tab BackTab 3 Enter", 3),
            ("Tab End 1 Enter", 81),
            ("Tab Ctrl-u 7 Enter", 7),
            ("Tab 1 2 Left Backspace Enter", 2),
            ("Tab Space 4 Enter", 4),
        ] {
            assert_eq!(stress(keys).files, files, "{keys}");
        }
        let (mut form, _) = typed("Tab");
        form.paste("20\n");
        assert_eq!(form.files(), Ok(20));
        assert_eq!(typed("Tab 1 2 Esc").1.len(), 0, "it is left and starts nothing");
    }

    #[test]
    fn the_form_says_what_it_would_do_and_what_is_wrong() {
        let snapshot = fixtures::snapshot();
        let styles = crate::console::theme::Styles::plain();
        let keymap = crate::console::keymap::Keymap::new(&Default::default()).expect("default keys");
        let view = View { snapshot: &snapshot, now: fixtures::NOW, styles: &styles, keymap: &keymap, read_only: false };
        for (keys, parts) in [
            ("", ["> node   < zk1 >", "  files  8\n", "size   128 KiB each", "= 8 files, 1 MiB"]),
            ("Tab 1 2", ["  node", "> files  12\n", "size   128 KiB each", "= 12 files, 1.5 MiB"]),
            ("Tab 0", ["> files  0        not 1 to 10,000", "size   128 KiB each", "= -", "Enter starts it"]),
            ("Tab x", ["> files  x        not 1 to 10,000", "size   128 KiB each", "= -", "Enter starts it"]),
            (
                "Tab Tab 9 9 9 9 9 9 9 9 BackTab",
                ["> files  8", "size   99999999 not 1 to 1,048,576", "= -", "run the scheduler afterwards"],
            ),
        ] {
            let (form, _) = typed(keys);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 36, 8));
            form.draw(buffer.area, &mut buffer, &view);
            let symbols: Vec<&str> = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
            let text: String = symbols.chunks(36).map(|row| row.concat().trim_end().to_owned() + "\n").collect();
            assert!(parts.iter().all(|part| text.contains(part)), "{keys}\n{text}");
        }
    }

    #[test]
    fn a_bad_number_names_its_field_and_starts_nothing() {
        for (keys, field) in [("Tab Backspace Enter", "files \"\""), ("Tab Tab 0 Enter", "size \"0\"")] {
            let (form, effects) = typed(keys);
            let [Effect::Toast { text, .. }] = effects.as_slice() else { panic!("{effects:?}") };
            assert!(text.starts_with(&format!("stress refused: {field} is not a whole number from 1 to 1")), "{text}");
            assert!(form.is_open(), "{text}");
        }
    }
}
