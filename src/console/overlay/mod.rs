//! What may lie over a pane: one at a time, and it has the keys.

mod asked;
mod completion;
pub mod confirm;
pub mod events;
mod filtered;
pub mod help;
pub mod outcome;
pub mod palette;
pub mod prompt;
pub mod scene;
pub mod scroll;
pub mod settings;
pub mod who;
pub mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::confirm::ConfirmBox;
use self::events::EventsList;
use self::help::HelpList;
use self::outcome::OverlayOutcome;
use self::palette::Palette;
use self::prompt::PromptBox;
use self::scene::OverlayScene;
use self::settings::SettingsList;
use self::who::WhoList;
use self::why::WhyBox;
use super::action::Action;
use super::input::Key;
use super::place::Completions;
use super::view::View;

/// The overlay that is open.
#[derive(Clone, Debug)]
pub enum Overlay {
    Help(HelpList),
    Why(WhyBox),
    Events(EventsList),
    Palette(Palette),
    Confirm(ConfirmBox),
    Prompt(PromptBox),
    Settings(SettingsList),
    Who(WhoList),
}

impl Overlay {
    /// One key; the overlay has them all.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        match self {
            Self::Help(help) => help.key(key, scene),
            Self::Why(why) => why.key(key, scene),
            Self::Events(events) => events.key(key, scene),
            Self::Palette(palette) => palette.key(key, scene),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Prompt(prompt) => prompt.key(key),
            Self::Settings(settings) => settings.key(key, scene),
            Self::Who(who) => who.key(key, scene),
        }
    }

    /// Pasted text goes where text is typed, and is never an answer by itself.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Palette(palette) => palette.paste(text),
            Self::Prompt(prompt) => prompt.paste(text),
            Self::Help(help) => help.paste(text),
            Self::Why(why) => why.paste(text),
            Self::Events(events) => events.paste(text),
            Self::Settings(settings) => settings.paste(text),
            Self::Who(who) => who.paste(text),
            Self::Confirm(_) => {}
        }
    }

    /// The keys that it takes, each with what it does, for the footer.
    #[must_use]
    pub fn keys(&self, view: &View<'_>) -> Vec<(String, &'static str)> {
        let fixed = |all: &[(&str, &'static str)]| all.iter().map(|(key, does)| ((*key).to_owned(), *does)).collect();
        let list = |opens: bool, explains: bool| -> Vec<(String, &'static str)> {
            let own = [
                (Action::Open, "open", opens),
                (Action::Filter, "filter", true),
                (Action::Copy, "copy", opens),
                (Action::Help, "why", explains),
            ];
            let own = own.into_iter().filter(|(.., has)| *has).map(|(action, does, _)| (action, does));
            own.filter_map(|(action, does)| Some((view.key(action)?, does)))
                .chain([("Esc".to_owned(), "close")])
                .collect()
        };
        match self {
            Self::Help(_) | Self::Who(_) => list(false, false),
            Self::Settings(settings) => settings.why_keys(view).unwrap_or_else(|| list(false, true)),
            Self::Why(why) => why.keys(view),
            Self::Events(events) => events.why_keys(view).unwrap_or_else(|| list(true, true)),
            Self::Palette(_) => {
                fixed(&[("Tab", "complete"), ("Enter", "run"), ("Up", "earlier ones"), ("Esc", "close")])
            }
            Self::Confirm(confirm) if confirm.asks_for_text() => fixed(&[("Enter", "agree"), ("Esc", "no")]),
            Self::Confirm(_) => fixed(&[("n", "no"), ("y", "yes")]),
            Self::Prompt(prompt) if prompt.completes() => {
                fixed(&[("Tab", "complete"), ("Enter", "go on"), ("Esc", "leave")])
            }
            Self::Prompt(_) => fixed(&[("Enter", "go on"), ("Esc", "leave")]),
        }
    }

    /// What could follow the path that is typed, by the place.
    pub fn take_completions(&mut self, found: Result<Completions, String>, scene: &OverlayScene<'_>) {
        match self {
            Self::Palette(palette) => palette.take_completions(found, scene),
            Self::Prompt(prompt) => prompt.take_completions(found),
            Self::Confirm(_) | Self::Help(_) | Self::Why(_) | Self::Events(_) | Self::Settings(_) | Self::Who(_) => {}
        }
    }

    /// Paints the overlay over `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        match self {
            Self::Help(help) => help.draw(area, scene, buffer),
            Self::Why(why) => why.draw(area, scene, buffer),
            Self::Events(events) => events.draw(area, scene, buffer),
            Self::Palette(palette) => palette.draw(area, scene, buffer),
            Self::Confirm(confirm) => confirm.draw(area, scene.view.styles, buffer),
            Self::Prompt(prompt) => prompt.draw(area, scene.view.styles, buffer),
            Self::Settings(settings) => settings.draw(area, scene, buffer),
            Self::Who(who) => who.draw(area, scene, buffer),
        }
    }
}
