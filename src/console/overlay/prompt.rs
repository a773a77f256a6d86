//! One line to be typed, with a title and a hint; Tab completes it where what it names is known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::completion::{Completing, among};
use super::outcome::{OverlayOutcome, PromptOwner};
use crate::console::effect::{Completes, Prompt};
use crate::console::frame::popup;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::place::Completions;
use crate::console::sanitise;
use crate::console::theme::Styles;

const WIDTH: u16 = 73;

/// The question, who wants to know, and what has been typed.
#[derive(Clone, Debug)]
pub struct PromptBox {
    pub owner: PromptOwner,
    prompt: Prompt,
    line: Line,
    completing: Completing,
}

impl PromptBox {
    #[must_use]
    pub fn new(owner: PromptOwner, prompt: Prompt) -> Self {
        Self { owner, line: Line::preset(&prompt.value), prompt, completing: Completing::default() }
    }

    /// Whether Tab does something.
    pub(super) fn completes(&self) -> bool {
        self.prompt.completes != Completes::Nothing
    }

    /// Enter answers, Esc gives up, Tab completes.
    pub fn key(&mut self, key: Key) -> OverlayOutcome {
        match key.code {
            KeyCode::Esc => return OverlayOutcome::Closed,
            KeyCode::Enter => {
                return OverlayOutcome::Answered {
                    owner: self.owner,
                    action: self.prompt.action,
                    text: self.line.text(),
                };
            }
            KeyCode::Tab => return self.complete(),
            _ => _ = self.line.key(key),
        }
        OverlayOutcome::Stays
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.line.insert(text);
    }

    fn complete(&mut self) -> OverlayOutcome {
        self.line.keep();
        match &self.prompt.completes {
            Completes::Nothing => {}
            Completes::Path => {
                self.completing.ask(&self.line);
                return OverlayOutcome::Asks(self.line.before().to_owned());
            }
            Completes::Words(words) => {
                let found = among(words, self.line.before());
                self.completing.take(&mut self.line, Ok(found));
            }
        }
        OverlayOutcome::Stays
    }

    /// What could follow, by the place.
    pub(super) fn take_completions(&mut self, found: Result<Completions, String>) {
        _ = self.completing.answer(&mut self.line, found);
    }

    /// Paints the box in the middle of `area`.
    pub fn draw(&self, area: Rect, styles: &Styles, buffer: &mut Buffer) {
        let below = self.completing.rows(&self.line, usize::from(WIDTH.min(area.width).saturating_sub(4)), styles);
        let place = popup::centred(area, WIDTH, 4 + below.len() as u16);
        let inside = popup::framed(place, &self.prompt.title, styles.accent, styles, buffer);
        if inside.height < 2 {
            return;
        }
        let hint = sanitise::clean(&self.prompt.hint);
        buffer.set_stringn(inside.x, inside.y, hint, usize::from(inside.width), styles.dim);
        let (x, _) = buffer.set_stringn(inside.x, inside.y + 1, "> ", usize::from(inside.width), styles.key);
        let line = Rect::new(x, inside.y + 1, inside.right().saturating_sub(x), 1);
        self.line.draw(line, buffer, styles);
        for ((text, style), y) in below.iter().zip(inside.y + 2..inside.bottom()) {
            buffer.set_stringn(inside.x, y, text, usize::from(inside.width), *style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::action::Action;
    use crate::console::keymap::notation::parse_keys;

    fn prompt(value: &str, completes: Completes) -> PromptBox {
        let (title, hint) = ("Where?".to_owned(), String::new());
        let prompt = Prompt { action: Action::Upload, title, hint, value: value.to_owned(), completes };
        PromptBox::new(PromptOwner::Frame, prompt)
    }

    fn press(prompt: &mut PromptBox, keys: &str) -> Option<String> {
        let asked = parse_keys(keys).into_iter().map(|key| match prompt.key(key) {
            OverlayOutcome::Asks(typed) => Some(typed),
            _ => None,
        });
        asked.collect::<Vec<_>>().pop().flatten()
    }

    fn screen(prompt: &PromptBox, height: u16) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, height));
        prompt.draw(buffer.area, &Styles::plain(), &mut buffer);
        let symbols: Vec<&str> = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
        symbols.chunks(40).map(|row| row.concat() + "\n").collect()
    }

    #[test]
    fn a_word_is_completed_as_far_as_it_is_clear_and_nothing_typed_goes() {
        let nodes = ["zk1", "zk2", "other"].map(str::to_owned).to_vec();
        for (keys, text, shown) in [
            ("z Tab", "zk", "zk1  zk2"),
            ("z Tab 2 Tab", "zk2", "> zk2"),
            ("o Tab", "other", "> other"),
            ("x Tab", "x", "nothing begins so"),
            ("Tab", "", "zk1    zk2    other"),
        ] {
            let mut prompt = prompt("", Completes::Words(nodes.clone()));
            press(&mut prompt, keys);
            let picture = screen(&prompt, 8);
            assert_eq!(prompt.line.text(), text, "{keys}");
            assert!(picture.contains(shown), "{keys}\n{picture}");
        }
        let mut kept = prompt("zk1", Completes::Words(nodes));
        press(&mut kept, "Tab x");
        assert_eq!(kept.line.text(), "zk1x", "what is completed is no proposal any more");
    }

    #[test]
    fn a_path_is_asked_for_and_the_answer_goes_where_it_was_asked() {
        let answer = |append: &str, names: &[&str]| Completions {
            append: append.into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Completions::default()
        };
        let mut prompt = prompt("", Completes::Path);
        assert_eq!(press(&mut prompt, "/ t Tab").as_deref(), Some("/t"));
        prompt.take_completions(Ok(answer("mp/", &[])));
        assert_eq!(prompt.line.text(), "/tmp/");
        assert!(press(&mut prompt, "a Tab").is_some());
        press(&mut prompt, "b");
        prompt.take_completions(Ok(answer("x", &[])));
        assert_eq!(prompt.line.text(), "/tmp/ab", "more was typed meanwhile");
        assert!(press(&mut prompt, "Backspace Tab").is_some());
        let names: Vec<String> = (0..100).map(|n| format!("a-long-name-{n:03}")).collect();
        prompt.take_completions(Ok(answer("", &names.iter().map(String::as_str).collect::<Vec<_>>())));
        let picture = screen(&prompt, 20);
        assert!(picture.contains("a-long-name-000  a-long-name-001") && picture.contains("and 84 more"), "{picture}");
        for height in 0..5 {
            screen(&prompt, height);
        }
        assert!(press(&mut prompt, "Tab").is_some());
        prompt.take_completions(Err("/tmp: Permission denied".into()));
        assert!(screen(&prompt, 8).contains("Permission denied"));
    }
}
