//! Files: how many each node owns, and every file with what is done to it.

mod bars;
mod detail;
mod rows;
mod table;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::detail::FileDetail;
use self::rows::FileRows;
use crate::console::action::Action;
use crate::console::confirms;
use crate::console::effect::{Completes, Effect, Prompt};
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::console::keymap::table::entry_of;
use crate::console::order::{ExportList, Outside, Work};
use crate::console::pane::Pane;
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::ListWindow;
use crate::console::widgets::{paint, words};
use crate::domain::explain::Topic;
use crate::domain::file_list::FileOrder;
use crate::domain::filter::FILES;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::node::NodeCondition;
use crate::domain::planner::{Counted, share};
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Upload,
    Action::Migrate,
    Action::Delete,
    Action::Download,
    Action::Mark,
    Action::Open,
    Action::HistoryThen,
    Action::LogsThen,
    Action::Filter,
    Action::Sort,
    Action::SortReverse,
    Action::Copy,
    Action::Export,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// Most files that may be marked: each is one command.
const MARKS_MAX: usize = 1000;
/// Cells of a name in the breadcrumb.
const FROM_MAX: usize = 24;

fn short(name: &str) -> String {
    sanitise::fit(&sanitise::clean(name), FROM_MAX)
}

/// The second tab.
#[derive(Debug, Default)]
pub(super) struct FilesPane {
    cursor: ListWindow,
    filter: Filter,
    rows: FileRows,
    marked: BTreeSet<FileId>,
    /// The files, with their names, that the open question is about: the list changes under it.
    asked: Vec<(FileId, String)>,
    detail: Option<FileDetail>,
    area: Rect,
}

impl FilesPane {
    /// Rows of the list that are seen.
    fn page(&self, snapshot: &Snapshot) -> usize {
        table::rows_in(paint::below(self.area, bars::height(snapshot, self.area) + 1).height)
    }

    fn selected(&self) -> Option<FileId> {
        self.rows.get(self.cursor.at).map(|file| file.id)
    }

    /// The file that is shown in full, or the selected one.
    fn in_hand(&self) -> Option<FileId> {
        self.detail.as_ref().map(FileDetail::file).or_else(|| self.selected())
    }

    fn show(&mut self, file: FileId, snapshot: &Snapshot) -> Vec<Effect> {
        let (detail, asked) = FileDetail::open(file, snapshot);
        self.detail = Some(detail);
        asked.into_iter().collect()
    }

    /// To the operations on the file in hand, one that is gone too.
    fn its_operations(&self, snapshot: &Snapshot) -> Option<Effect> {
        let id = self.in_hand()?;
        let name = snapshot.files.get(id).map_or_else(|| id.short(), |file| file.record.name.clone());
        let focus = Focus { query: Some(format!("file_id:{id}")), ..Focus::default() };
        Some(Effect::Go(Jump::around(short(&name), JumpTo::History, focus)))
    }

    /// To the logs of its node when the record last changed.
    fn logs_then(&self, snapshot: &Snapshot) -> Option<Effect> {
        let record = &snapshot.files.get(self.in_hand()?)?.record;
        let focus = Focus { node: Some(record.owner.clone()), at: Some(record.updated_ms), query: None };
        Some(Effect::Go(Jump::around(short(&record.name), JumpTo::Logs, focus)))
    }

    /// The marked files that there are, or the one that is shown in full, or the selected one.
    fn chosen(&self, snapshot: &Snapshot) -> Vec<FileId> {
        let one = self.in_hand();
        let mut chosen: Vec<FileId> = self.marked.iter().copied().collect();
        if chosen.is_empty() {
            chosen.extend(one);
        }
        chosen.retain(|id| snapshot.files.get(*id).is_some());
        chosen
    }

    /// The files that the question was about, and what to say when some are gone.
    fn still_there(&mut self, snapshot: &Snapshot) -> (Vec<FileId>, Option<Effect>) {
        let asked = std::mem::take(&mut self.asked);
        let (there, gone): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(id, _)| snapshot.files.get(*id).is_some());
        let text = match &gone[..] {
            [] => None,
            [(_, name)] => Some(format!("{name} was deleted meanwhile")),
            all => Some(format!("{} were deleted meanwhile", words::count(all.len() as u64, "file"))),
        };
        let told = text.map(|text| Effect::Toast { level: Level::Warning, text });
        (there.into_iter().map(|(id, _)| id).collect(), told)
    }

    /// What of the list is to be asked for now.
    fn due(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.rows.due(self.cursor.at, snapshot).into_iter().collect()
    }

    fn refilter(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        // What is no query leaves the last one in force.
        let Some(expr) = self.filter.read(&FILES, snapshot.taken_at) else { return Vec::new() };
        self.rows.choose(|choice| choice.filter = expr);
        self.due(snapshot)
    }

    /// The next column, or the other direction.
    fn export(&self) -> Effect {
        let filter = if self.filter.is_empty() { "" } else { " that match" };
        Effect::Prompt(Prompt::export(format!("Export the records of all files{filter}"), "files.ndjson"))
    }

    fn sort(&mut self, reverse: bool, snapshot: &Snapshot) -> Vec<Effect> {
        self.rows.choose(|choice| match reverse {
            true => choice.reverse = !choice.reverse,
            false => choice.order = choice.order.next(),
        });
        self.due(snapshot)
    }

    /// By this column, or the other way round when it is sorted by it already.
    fn sort_by(&mut self, order: FileOrder, snapshot: &Snapshot) -> Vec<Effect> {
        self.rows.choose(|choice| (choice.order, choice.reverse) = (order, choice.order == order && !choice.reverse));
        self.due(snapshot)
    }

    fn mark(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let Some(id) = self.selected() else { return Vec::new() };
        if !self.marked.remove(&id) {
            if self.marked.len() == MARKS_MAX {
                let text = format!("{MARKS_MAX} files are marked, which is the limit; act on them first");
                return vec![Effect::Toast { level: Level::Warning, text }];
            }
            self.marked.insert(id);
        }
        self.cursor.act(Action::Down, self.rows.len(), self.page(snapshot));
        self.due(snapshot)
    }

    /// Asks where the files that are asked about are to be saved.
    fn where_to(&self) -> Prompt {
        let (title, hint, value) = match &self.asked[..] {
            [(_, name)] => {
                let hint = "a path on this machine; an existing file is not overwritten";
                (format!("Save {name} where?"), hint, proposed(name))
            }
            all => {
                let hint = "a folder on this machine; existing files are not overwritten";
                (format!("Save {} into which folder?", words::count(all.len() as u64, "file")), hint, "./".to_owned())
            }
        };
        Prompt { action: Action::Download, title, hint: hint.into(), value, completes: Completes::Path }
    }

    /// The path that an answer means: a folder where several files go, or where the one is to have its own name, of which
    /// not all can be shown.
    fn saved_to(&self, text: &str) -> String {
        match &self.asked[..] {
            [(_, name)] if text == proposed(name) => "./".to_owned(),
            [_] => text.to_owned(),
            _ if text.ends_with('/') => text.to_owned(),
            _ => format!("{text}/"),
        }
    }

    fn on_files(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        let chosen = self.chosen(snapshot);
        let Some(first) = chosen.first().and_then(|id| snapshot.files.get(*id)) else {
            let text = "no file is selected".to_owned();
            return vec![Effect::Toast { level: Level::Info, text }];
        };
        let nodes: Vec<_> = snapshot.nodes.iter().map(|node| node.id.as_str()).collect();
        let named = chosen.iter().filter_map(|id| Some((*id, snapshot.files.get(*id)?.record.name.clone())));
        self.asked = named.collect();
        match action {
            Action::Delete => vec![Effect::Confirm(confirms::delete(snapshot, &chosen))],
            Action::Migrate => vec![Effect::Prompt(Prompt {
                action,
                title: format!("Migrate {} to which node?", words::count(chosen.len() as u64, "file")),
                hint: format!("one of {}; Enter goes on, Esc leaves", nodes.join(", ")),
                value: emptiest(snapshot, &first.record.owner),
                completes: Completes::Words(nodes.iter().map(ToString::to_string).collect()),
            })],
            Action::Download => vec![Effect::Prompt(self.where_to())],
            _ => vec![Effect::Outside(Outside::Copy(first.id.to_string()))],
        }
    }
}

/// Whether the action is about the list as a whole.
const fn is_of_the_list(action: Action) -> bool {
    matches!(action, Action::Filter | Action::Sort | Action::SortReverse | Action::Export)
}

/// What is proposed for one file: the current folder, and its name as far as it can be shown.
fn proposed(name: &str) -> String {
    format!("./{}", sanitise::clean(&sanitise::file_name(name)))
}

/// Of the nodes that can take a file, other than the owner, the one furthest under its share; any
/// other when none can, so that the answer tells why.
fn emptiest(snapshot: &Snapshot, owner: &NodeId) -> String {
    let nodes: Vec<Counted> = snapshot.nodes.iter().map(Counted::of).collect();
    let other = |at: usize| snapshot.nodes[at].id != *owner;
    let best = share::emptiest(&nodes, |at| other(at) && nodes[at].condition == NodeCondition::Active);
    let best = best.or_else(|| share::emptiest(&nodes, other));
    best.map(|at| snapshot.nodes[at].id.to_string()).unwrap_or_default()
}

impl Pane for FilesPane {
    fn title(&self) -> &'static str {
        "Files"
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn label(&self, action: Action, snapshot: &Snapshot) -> Option<&'static str> {
        let of_a_file = matches!(action, Action::Migrate | Action::Delete | Action::Download | Action::Copy);
        let of_a_row = matches!(action, Action::Mark | Action::Open);
        let in_hand = self.in_hand();
        let of_a_list = is_of_the_list(action);
        if snapshot.past.is_some() && (of_a_list || of_a_row) {
            return None;
        }
        match action {
            Action::HistoryThen => return in_hand.map(|_| "its operations"),
            Action::LogsThen => return in_hand.and_then(|id| snapshot.files.get(id)).map(|_| "logs then"),
            Action::Open | Action::Mark if self.detail.is_some() => return None,
            _ => {}
        }
        let none = (of_a_file && self.chosen(snapshot).is_empty()) || (of_a_row && self.selected().is_none());
        entry_of(action).map(|entry| entry.label).filter(|_| !none)
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if action == Action::Back {
            if self.detail.take().is_none() && !self.marked.is_empty() {
                self.marked.clear();
            } else if !self.filter.is_empty() {
                self.filter.clear();
                return self.refilter(snapshot);
            }
            return Vec::new();
        }
        if snapshot.past.is_some() && is_of_the_list(action) {
            let text = "the list of files then was not kept".to_owned();
            return vec![Effect::Toast { level: Level::Info, text }];
        }
        if self.detail.is_none() && self.cursor.act(action, self.rows.len(), self.page(snapshot)) {
            return self.due(snapshot);
        }
        match action {
            Action::Upload => vec![Effect::Prompt(Prompt {
                action,
                title: "Upload which file?".into(),
                hint: "a path on this machine; it goes to the node furthest under its share".into(),
                value: String::new(),
                completes: Completes::Path,
            })],
            Action::Filter => {
                // It is drawn below the list.
                self.detail = None;
                self.filter.open();
                Vec::new()
            }
            Action::Sort | Action::SortReverse => self.sort(action == Action::SortReverse, snapshot),
            // What is not seen is not marked.
            Action::Mark | Action::Open if self.detail.is_some() => Vec::new(),
            Action::Mark => self.mark(snapshot),
            Action::Open => self.selected().map_or_else(Vec::new, |id| self.show(id, snapshot)),
            Action::HistoryThen => self.its_operations(snapshot).into_iter().collect(),
            Action::LogsThen => self.logs_then(snapshot).into_iter().collect(),
            Action::Export => vec![self.export()],
            Action::Migrate | Action::Delete | Action::Download | Action::Copy => self.on_files(action, snapshot),
            _ => Vec::new(),
        }
    }

    fn topics(&self, _: &Snapshot) -> Vec<Topic> {
        self.in_hand().map(Topic::File).into_iter().collect()
    }

    fn urgent(&self, snapshot: &Snapshot) -> Vec<Action> {
        match self.topics(snapshot).iter().any(|topic| topic.is_amiss(snapshot)) {
            true => vec![Action::Open, Action::HistoryThen, Action::Download, Action::LogsThen],
            false => Vec::new(),
        }
    }

    fn is_deep(&self) -> bool {
        self.detail.is_some()
    }

    fn visit(&mut self, to: &JumpTo, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        let JumpTo::File(file) = to else { return None };
        Some(self.show(*file, snapshot))
    }

    fn rewind(&mut self, _: &Snapshot) {
        (self.detail, self.cursor) = (None, ListWindow::default());
        self.marked.clear();
        self.rows.forget();
    }

    fn resize(&mut self, area: Rect) {
        self.area = area;
    }

    fn takes_text(&self) -> bool {
        self.filter.is_open()
    }

    fn text_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        if self.filter.key(key) { self.refilter(snapshot) } else { Vec::new() }
    }

    fn paste(&mut self, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        if self.filter.paste(text) { self.refilter(snapshot) } else { Vec::new() }
    }

    fn answered(&mut self, action: Action, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        // A blank at the end of a path may be the name's: the place knows.
        let typed = text;
        let text = text.trim();
        match action {
            Action::Upload if !text.is_empty() => {
                vec![Effect::Work(Work::Upload { path: typed.to_owned(), to: None })]
            }
            Action::Export if !text.is_empty() => {
                let list = ExportList::Files(self.rows.choice().clone());
                vec![Effect::Work(Work::Export { list, path: typed.to_owned() })]
            }
            Action::Download if !text.is_empty() => {
                let path = self.saved_to(typed);
                let (files, told) = self.still_there(snapshot);
                let saved = files.into_iter().map(|file| Effect::Work(Work::Download { file, path: path.clone() }));
                saved.chain(told).collect()
            }
            Action::Migrate => match snapshot.nodes.iter().find(|node| node.id.as_str() == text) {
                Some(node) => {
                    let (files, told) = self.still_there(snapshot);
                    let moved =
                        (!files.is_empty()).then(|| Effect::Confirm(confirms::migrate(snapshot, &files, &node.id)));
                    moved.into_iter().chain(told).collect()
                }
                None => {
                    let known: Vec<_> = snapshot.nodes.iter().map(|node| node.id.as_str()).collect();
                    let text = format!("there is no node {text:?}; the nodes are {}", known.join(", "));
                    vec![Effect::Toast { level: Level::Error, text }]
                }
            },
            _ => Vec::new(),
        }
    }

    fn take_answers(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let of_detail = self.detail.as_mut().and_then(FileDetail::take_answers);
        let of_list = match self.rows.take_answer(self.cursor.at, snapshot) {
            Some(at) => {
                self.cursor.at = at;
                self.due(snapshot)
            }
            None => Vec::new(),
        };
        of_detail.into_iter().chain(of_list).collect()
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.marked.retain(|id| snapshot.files.get(*id).is_some());
        let of_detail = self.detail.as_mut().and_then(|detail| detail.due(snapshot));
        of_detail.into_iter().chain(self.due(snapshot)).collect()
    }

    fn mouse(&mut self, event: Mouse, area: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        match event.does {
            MouseAct::WheelUp => self.act(Action::Up, snapshot),
            MouseAct::WheelDown => self.act(Action::Down, snapshot),
            MouseAct::Press if self.detail.is_none() => {
                let top = bars::height(snapshot, area) + 1;
                let list = paint::below(area, top + 1);
                if event.row == top {
                    return table::order_at(event.column, area.width, snapshot)
                        .map_or_else(Vec::new, |by| self.sort_by(by, snapshot));
                }
                let row = event.row.checked_sub(top + 1).map(usize::from);
                let at =
                    row.map(|row| row + self.cursor.first(self.rows.len(), usize::from(list.height.saturating_sub(1))));
                if let Some(at) = at.filter(|at| *at < self.rows.len()) {
                    self.cursor.at = at;
                }
                self.due(snapshot)
            }
            _ => Vec::new(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        if let Some(detail) = &self.detail {
            detail.draw(area, buffer, view);
            return;
        }
        let bars = bars::height(view.snapshot, area);
        bars::draw(Rect { height: bars, ..area }, buffer, view);
        let list = paint::below(area, bars + 1);
        let scene =
            table::FilesScene { cursor: self.cursor, filter: &self.filter, rows: &self.rows, marked: &self.marked };
        scene.draw(list, buffer, view);
    }
}
