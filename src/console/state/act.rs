//! What an action does: the pane first, then the frame.

use std::sync::Arc;

use super::Console;
use crate::console::action::Action;
use crate::console::commands::{self, complaint, known_node};
use crate::console::effect::{Completes, Effect, Prompt};
use crate::console::jump::Jump;
use crate::console::keymap::{Lack, lacks, needs, table::entry_of};
use crate::console::order::{Order, Outside, Work};
use crate::console::overlay::Overlay;
use crate::console::overlay::confirm::ConfirmBox;
use crate::console::overlay::events::EventsList;
use crate::console::overlay::help::HelpList;
use crate::console::overlay::outcome::PromptOwner;
use crate::console::overlay::palette::Palette;
use crate::console::overlay::prompt::PromptBox;
use crate::console::overlay::settings::SettingsList;
use crate::console::overlay::who::WhoList;
use crate::console::overlay::why::WhyBox;
use crate::console::typed::Typed;
use crate::console::{confirms, sanitise, settings};
use crate::domain::command::{Command, Rejected};
use crate::domain::ids::NodeId;
use crate::domain::snapshot::{Level, Snapshot};

/// Steps of the way back that are kept.
const TRAIL_MAX: usize = 16;

impl Console {
    /// Carries an action out, as its key does.
    pub(super) fn act(&mut self, action: Action) -> Vec<Order> {
        if let Some(lacks) = lacks(needs(action), self.read_only, &self.snapshot) {
            return self.refuse(action, &lacks);
        }
        match action {
            Action::Quit => match confirms::leaving(&self.live, &self.jobs, self.attached) {
                None => vec![Order::Outside(Outside::Quit)],
                Some(confirm) => self.open(Overlay::Confirm(ConfirmBox::leaving(confirm))),
            },
            Action::Redraw => vec![Order::Outside(Outside::Redraw)],
            Action::Help => self.ask_why(),
            Action::Events => self.open(Overlay::Events(EventsList::default())),
            Action::Palette => self.open_palette(),
            Action::ToggleMouse => self.set_mouse(!self.mouse),
            Action::Pane(number) => self.show(usize::from(number).saturating_sub(1)),
            Action::NextPane => self.show((self.active + 1) % self.panes.len().max(1)),
            Action::PreviousPane => self.show((self.active + self.panes.len().max(1) - 1) % self.panes.len().max(1)),
            Action::Back => {
                self.toasts.dismiss();
                if self.panes.get(self.active).is_some_and(|pane| pane.is_deep()) {
                    return self.pane_act(action);
                }
                match self.trail.pop() {
                    Some((pane, _)) => self.turn_to(pane),
                    None if self.past().is_some() => self.back_to_now(),
                    None => self.pane_act(action),
                }
            }
            Action::ConsoleThen => self.go_to_row(),
            Action::EarlierMoment => self.step_in_time(false),
            Action::LaterMoment => self.step_in_time(true),
            Action::PlayPause => self.turn_play(),
            _ => self.pane_act(action),
        }
    }

    /// Follows a way to another pane, and remembers where it came from.
    fn go(&mut self, from: usize, link: Jump) -> Vec<Order> {
        let snapshot = Arc::clone(&self.snapshot);
        let visited =
            self.panes.iter_mut().enumerate().find_map(|(at, pane)| Some((at, pane.visit(&link.to, &snapshot)?)));
        let Some((at, effects)) = visited else { return Vec::new() };
        self.trail.push((from, link.from));
        let over = self.trail.len().saturating_sub(TRAIL_MAX);
        self.trail.drain(..over);
        let mut orders = self.turn_to(at);
        orders.extend(self.perform(at, effects));
        orders
    }

    fn refuse(&mut self, action: Action, why: &Lack) -> Vec<Order> {
        let name = entry_of(action).map_or("this", |entry| entry.label);
        self.report(Level::Warning, format!("{name} refused: {why}"));
        Vec::new()
    }

    fn open(&mut self, overlay: Overlay) -> Vec<Order> {
        self.toasts.dismiss();
        self.overlay = Some(overlay);
        Vec::new()
    }

    /// About the row in hand; where there is nothing to ask about, the keys.
    fn ask_why(&mut self) -> Vec<Order> {
        let topics = self.panes.get(self.active).map(|pane| pane.topics(&self.snapshot)).unwrap_or_default();
        self.open(match topics.is_empty() {
            true => Overlay::Help(HelpList::default()),
            false => Overlay::Why(WhyBox::of_row(topics)),
        })
    }

    fn open_palette(&mut self) -> Vec<Order> {
        self.open(Overlay::Palette(Palette::default()));
        vec![Order::Outside(Outside::ListThemes)]
    }

    fn set_mouse(&mut self, on: bool) -> Vec<Order> {
        (self.mouse, self.own.mouse) = (on, Some(on));
        let told = if on { "the console has the mouse" } else { "the terminal has the mouse: select text with it" };
        self.report(Level::Info, told.to_owned());
        vec![Order::Outside(Outside::Mouse(on))]
    }

    /// The pane's turn, when it knows the action; then the frame's.
    fn pane_act(&mut self, action: Action) -> Vec<Order> {
        let snapshot = Arc::clone(&self.snapshot);
        let knows = self.own_actions().contains(&action);
        let effects = match self.panes.get_mut(self.active).filter(|_| knows || action == Action::Back) {
            Some(pane) => pane.act(action, &snapshot),
            None => Vec::new(),
        };
        if !effects.is_empty() {
            return self.perform(self.active, effects);
        }
        match action {
            // Without a selection the pane answers nothing: ask for the name.
            Action::Drain | Action::Pause | Action::StopServer | Action::RestartServer => {
                self.ask_node(action, &snapshot)
            }
            _ if knows => Vec::new(),
            Action::RunScheduler => self.send(Command::RunScheduler),
            Action::StopRun => self.send(Command::StopRun),
            Action::RunWorkload => self.send(Command::RunWorkload),
            Action::PauseScheduler if snapshot.scheduler.paused => self.send(Command::ResumeScheduler),
            Action::PauseScheduler => self.send(Command::PauseScheduler),
            _ => self.elsewhere(action, &snapshot),
        }
    }

    /// Goes to the pane that knows the action and lets it act.
    fn elsewhere(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Order> {
        let framed =
            matches!(action, Action::Stress | Action::Preview | Action::Upload | Action::Migrate | Action::Delete);
        let index = self.panes.iter().position(|pane| pane.actions().contains(&action)).filter(|_| framed);
        let Some(index) = index else { return Vec::new() };
        let mut orders = self.show(index);
        let effects = self.panes[index].act(action, snapshot);
        orders.extend(self.perform(index, effects));
        orders
    }

    fn send(&self, command: Command) -> Vec<Order> {
        vec![Order::Work(Work::Send(command))]
    }

    fn ask_node(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Order> {
        let names: Vec<String> = snapshot.node_ids().iter().map(ToString::to_string).collect();
        let title = match action {
            Action::Drain => "Drain which node?",
            Action::Pause => "Pause or start which server?",
            Action::RestartServer => "Restart which server?",
            _ => "Stop or start which server?",
        };
        let prompt = Prompt {
            action,
            title: title.into(),
            hint: format!("one of {}; Enter goes on, Esc leaves", names.join(", ")),
            value: String::new(),
            completes: Completes::Words(names),
        };
        self.open(Overlay::Prompt(PromptBox::new(PromptOwner::Frame, prompt)))
    }

    /// A line was typed for the frame or for a pane.
    pub(super) fn answered(&mut self, owner: PromptOwner, action: Action, text: &str) -> Vec<Order> {
        let snapshot = Arc::clone(&self.snapshot);
        let PromptOwner::Pane(index) = owner else {
            let effect = match known_node(text.trim(), &snapshot) {
                Ok(node) => of_node(action, &snapshot, &node),
                Err(why) => complaint(why),
            };
            return self.perform(self.active, vec![effect]);
        };
        let effects = self.panes.get_mut(index).map(|pane| pane.answered(action, text, &snapshot)).unwrap_or_default();
        self.perform(index, effects)
    }

    /// A command was typed into the palette.
    pub(super) fn typed(&mut self, text: &str) -> Vec<Order> {
        let snapshot = Arc::clone(&self.snapshot);
        let mut orders = vec![Order::Work(self.past.keep(text))];
        let read = commands::read(text, self.read_only, &self.titles, &snapshot);
        if self.tried.take().is_some() && !matches!(read, Ok(Typed::Theme(_))) {
            orders.push(Order::Outside(Outside::TryTheme(None)));
        }
        orders.extend(match read {
            Ok(Typed::Effect(effect)) => self.perform(self.active, vec![effect]),
            Ok(Typed::Act(action)) => self.act(action),
            Ok(Typed::Theme(name)) => vec![Order::Outside(Outside::Theme(name))],
            Ok(Typed::Mouse(on)) => self.set_mouse(on),
            Ok(Typed::Glyphs(glyphs)) => vec![Order::Outside(Outside::Glyphs(glyphs))],
            Ok(Typed::Settings) => self.open(Overlay::Settings(SettingsList::default())),
            Ok(Typed::Who) => self.open(Overlay::Who(WhoList::default())),
            Ok(Typed::Save) => self.save(),
            Ok(Typed::Why(topics)) => self.open(Overlay::Why(WhyBox::named(topics))),
            Ok(Typed::At(text)) => self.typed_at(&text),
            Ok(Typed::Play(text)) => self.typed_play(&text),
            Ok(Typed::Now) => self.back_to_now(),
            Err(why) => self.perform(self.active, vec![complaint(why)]),
        });
        orders
    }

    /// Keeps what was changed for the next start.
    fn save(&mut self) -> Vec<Order> {
        let settings = settings::to_save(&self.snapshot, &self.own);
        if settings.is_empty() {
            self.report(Level::Info, "save: no setting was changed, so there is nothing to keep".to_owned());
            return Vec::new();
        }
        self.own.saved.extend(settings.iter().map(|one| (one.name.clone(), one.value.clone())));
        vec![Order::Work(Work::SaveSettings(settings))]
    }

    /// The commands of before, once they have come.
    pub(super) fn take_past_commands(&mut self) {
        if let Some(why) = self.past.take_answer() {
            self.report(Level::Warning, why);
        }
    }

    /// Does what concerns the screen only; the rest is for the surroundings.
    pub(super) fn perform(&mut self, pane: usize, effects: Vec<Effect>) -> Vec<Order> {
        let mut orders = Vec::new();
        let past = self.past().map(Lack::Past);
        for effect in effects {
            match effect {
                Effect::Work(Work::Send(_) | Work::Batch(_) | Work::Upload { .. } | Work::Download { .. })
                | Effect::Confirm(_)
                    if past.is_some() =>
                {
                    let why = past.as_ref().map(ToString::to_string).unwrap_or_default();
                    self.report(Level::Warning, format!("refused: {why}"));
                }
                Effect::At(Some(at)) => orders.extend(self.go_at(at)),
                Effect::At(None) => orders.extend(self.back_to_now()),
                Effect::Work(Work::Send(command)) if self.read_only => {
                    self.report(Level::Warning, format!("{} refused: {}", command.verb(), Rejected::ReadOnly));
                }
                Effect::Work(Work::Upload { .. }) | Effect::Confirm(_) if self.read_only => {
                    self.report(Level::Warning, format!("refused: {}", Rejected::ReadOnly));
                }
                Effect::Confirm(confirm) if confirm.commands.is_empty() => {
                    self.report(Level::Info, format!("{}: nothing to do", sanitise::clean(&confirm.title)));
                }
                Effect::Confirm(confirm) => _ = self.open(Overlay::Confirm(ConfirmBox::new(confirm))),
                Effect::Prompt(prompt) => {
                    _ = self.open(Overlay::Prompt(PromptBox::new(PromptOwner::Pane(pane), prompt)));
                }
                Effect::Toast { level, text } => self.report(level, text),
                Effect::Go(link) => orders.extend(self.go(pane, link)),
                Effect::Work(work) => orders.push(Order::Work(work)),
                Effect::Outside(outside) => orders.push(Order::Outside(outside)),
            }
        }
        orders
    }
}

fn of_node(action: Action, snapshot: &Snapshot, node: &NodeId) -> Effect {
    match action {
        Action::Drain => confirms::drain(snapshot, node),
        Action::Pause => confirms::pause_or_start(snapshot, node),
        Action::RestartServer => confirms::restart(snapshot, node),
        _ => confirms::stop_or_start(snapshot, node),
    }
}
