//! One line to be typed, with a title and a hint; Tab completes it where what it names is known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::outcome::{OverlayOutcome, PromptOwner};
use crate::console::effect::{Completes, Prompt};
use crate::console::fetch::Asked;
use crate::console::frame::popup;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::paths;
use crate::console::place::{CompletionAsk, Completions};
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::domain::number::grouped;

const WIDTH: u16 = 73;
/// Rows of names that could follow, at most.
const ROWS: u16 = 8;

/// The question, who wants to know, and what has been typed.
#[derive(Debug)]
pub struct PromptBox {
    pub owner: PromptOwner,
    prompt: Prompt,
    line: Line,
    /// What could follow is asked for, and for which text.
    asked: Asked<CompletionAsk>,
    asked_for: String,
    found: Option<Result<Completions, String>>,
}

impl PromptBox {
    #[must_use]
    pub fn new(owner: PromptOwner, prompt: Prompt) -> Self {
        let line = Line::preset(&prompt.value);
        Self { owner, line, prompt, asked: Asked::default(), asked_for: String::new(), found: None }
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
            _ => {
                if self.line.key(key) {
                    self.found = None;
                }
            }
        }
        OverlayOutcome::Stays
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.line.insert(text);
        self.found = None;
    }

    fn complete(&mut self) -> OverlayOutcome {
        self.line.keep();
        let before = self.line.before().to_owned();
        match &self.prompt.completes {
            Completes::Nothing => {}
            Completes::Path => {
                self.asked_for.clone_from(&before);
                return OverlayOutcome::Asks(self.asked.put(CompletionAsk { typed: before }));
            }
            Completes::Words(words) => {
                let found = among(words, &before);
                self.take(Ok(found));
            }
        }
        OverlayOutcome::Stays
    }

    /// Takes in what could follow, when nothing was typed meanwhile.
    pub(super) fn take_answers(&mut self) {
        if let Some(found) = self.asked.take()
            && self.line.before() == self.asked_for
        {
            self.take(found);
        }
    }

    fn take(&mut self, found: Result<Completions, String>) {
        if let Ok(found) = &found
            && !found.append.is_empty()
        {
            self.line.insert(&found.append);
        }
        self.found = Some(found);
    }

    /// What is said below the line: names that could follow, or why there are none.
    fn below(&self, width: usize, styles: &Styles) -> Vec<(String, Style)> {
        let found = match &self.found {
            None => return Vec::new(),
            Some(Err(why)) => return vec![(sanitise::fit(&sanitise::clean(why), width), styles.warning)],
            Some(Ok(found)) if found.nothing => return vec![("nothing begins so".to_owned(), styles.dim)],
            Some(Ok(found)) => found,
        };
        let names: Vec<_> = found.names.iter().map(|name| sanitise::clean(name)).collect();
        let widest = names.iter().map(|name| sanitise::width(name)).max().unwrap_or(0).clamp(1, width.max(1));
        let columns = ((width + 2) / (widest + 2)).max(1);
        let shown = names.len().min(columns * usize::from(ROWS));
        let cell = |name: &str| {
            let name = sanitise::fit(name, widest);
            let gap = widest - sanitise::width(&name);
            name + &" ".repeat(gap)
        };
        let rows = names[..shown].chunks(columns);
        let mut rows: Vec<_> =
            rows.map(|row| (row.iter().map(|name| cell(name)).collect::<Vec<_>>().join("  "), styles.text)).collect();
        let more = names.len() - shown + found.more;
        if found.cut {
            rows.push(("the folder holds more than was looked at: type more of the name".to_owned(), styles.dim));
        } else if more > 0 {
            rows.push((format!("and {} more", grouped(more as u64)), styles.dim));
        }
        rows
    }

    /// Paints the box in the middle of `area`.
    pub fn draw(&self, area: Rect, styles: &Styles, buffer: &mut Buffer) {
        let below = self.below(usize::from(WIDTH.min(area.width).saturating_sub(4)), styles);
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

/// Those of the words that begin so.
fn among(words: &[String], begun: &str) -> Completions {
    let names: Vec<String> = words.iter().filter(|word| word.starts_with(begun)).cloned().collect();
    let Some(first) = names.first() else { return Completions { nothing: true, ..Completions::default() } };
    let shared = names.iter().fold(first.as_str(), |shared, name| paths::shared(shared, name));
    let append = shared.get(begun.len()..).unwrap_or_default().to_owned();
    let names = if names.len() > 1 { names } else { Vec::new() };
    Completions { append, names, ..Completions::default() }
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

    fn press(prompt: &mut PromptBox, keys: &str) -> Option<Fetch> {
        let asked = parse_keys(keys).into_iter().map(|key| match prompt.key(key) {
            OverlayOutcome::Asks(fetch) => Some(fetch),
            _ => None,
        });
        asked.collect::<Vec<_>>().pop().flatten()
    }

    type Fetch = crate::console::fetch::Fetch<CompletionAsk>;

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
        let fetch = press(&mut prompt, "/ t Tab").expect("asked");
        assert_eq!(fetch.ask.typed, "/t");
        fetch.reply.send(Ok(answer("mp/", &[]))).expect("waits");
        prompt.take_answers();
        assert_eq!(prompt.line.text(), "/tmp/");
        let late = press(&mut prompt, "a Tab").expect("asked");
        press(&mut prompt, "b");
        late.reply.send(Ok(answer("x", &[]))).expect("waits");
        prompt.take_answers();
        assert_eq!(prompt.line.text(), "/tmp/ab", "more was typed meanwhile");
        let many = press(&mut prompt, "Backspace Tab").expect("asked");
        let names: Vec<String> = (0..100).map(|n| format!("a-long-name-{n:03}")).collect();
        many.reply.send(Ok(answer("", &names.iter().map(String::as_str).collect::<Vec<_>>()))).expect("waits");
        prompt.take_answers();
        let picture = screen(&prompt, 20);
        assert!(picture.contains("a-long-name-000  a-long-name-001") && picture.contains("and 84 more"), "{picture}");
        for height in 0..5 {
            screen(&prompt, height);
        }
        let failed = press(&mut prompt, "Tab").expect("asked");
        failed.reply.send(Err("/tmp: Permission denied".into())).expect("waits");
        prompt.take_answers();
        assert!(screen(&prompt, 8).contains("Permission denied"));
    }
}
