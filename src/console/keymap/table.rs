//! The one table of keys: help, footer, palette and the README come from it.

use crate::console::action::Action;

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyContext {
    Everywhere,
    /// In panes that list the action.
    Lists,
    /// The frame carries these out in every pane; a pane that lists the action comes first.
    Ensemble,
    Files,
    Logs,
    /// While the console shows a past moment: then they come first.
    Past,
}

impl KeyContext {
    pub const ALL: [Self; 6] = [Self::Everywhere, Self::Lists, Self::Ensemble, Self::Files, Self::Logs, Self::Past];

    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Lists => "Lists",
            Self::Ensemble => "The ensemble",
            Self::Files => "Files",
            Self::Logs => "Logs",
            Self::Past => "The past",
        }
    }

    /// Whether bindings of both may hold at once without a rule which comes first. In the Logs pane
    /// its own keys come before those of the ensemble, and it leaves out the lists' that mean another thing.
    #[must_use]
    pub const fn clashes_with(self, other: Self) -> bool {
        if matches!(self, Self::Past) != matches!(other, Self::Past) {
            return false;
        }
        !matches!(
            (self, other),
            (Self::Files | Self::Lists, Self::Logs)
                | (Self::Logs, Self::Files | Self::Lists)
                | (Self::Ensemble, Self::Logs)
                | (Self::Logs, Self::Ensemble)
        )
    }
}

/// What is known of an action: its name in settings, its keys, and its words.
#[derive(Clone, Copy, Debug)]
pub struct KeyEntry {
    pub action: Action,
    /// In `zkdeck.toml` and in the palette: `pause-scheduler`.
    pub name: &'static str,
    pub context: KeyContext,
    pub keys: &'static [&'static str],
    /// In the footer: `drain`. Empty: not shown there.
    pub label: &'static str,
    /// In help, palette and README: one sentence part.
    pub help: &'static str,
    pub needs: Needs,
}

/// What there must be for an action or a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// It is about what there is now: hidden and refused, as all that follow, while the console shows a past moment.
    Present,
    /// It changes something: hidden and refused with `--read-only`.
    Changes,
    /// It touches files: hidden also where the folder is not the ensemble's store.
    Store,
    /// It acts on a server's process or container: hidden also where none can be controlled.
    Control,
    /// It reads of a server's container: hidden where no server is seen to run in one.
    Container,
}

const fn entry(
    action: Action,
    name: &'static str,
    context: KeyContext,
    keys: &'static [&'static str],
    label: &'static str,
    help: &'static str,
) -> KeyEntry {
    KeyEntry { action, name, context, keys, label, help, needs: Needs::Nothing }
}

const fn needing(needs: Needs, entry: KeyEntry) -> KeyEntry {
    KeyEntry { needs, ..entry }
}

use Action as A;
use KeyContext::{Ensemble, Everywhere, Files, Lists, Logs, Past};

/// Every action with its default keys, in the order of help.
pub const TABLE: &[KeyEntry] = &[
    entry(A::Help, "help", Everywhere, &["?"], "help", "why the row is so, and its keys; again: all keys"),
    entry(A::Palette, "palette", Everywhere, &[":"], "commands", "type a command, or choose one from the list"),
    entry(A::Events, "events", Everywhere, &["e"], "events", "everything that was reported"),
    entry(A::Quit, "quit", Everywhere, &["q", "Ctrl-c"], "quit", "leave the console"),
    entry(A::Pane(1), "pane-1", Everywhere, &["1"], "", "go to the first pane; to each other one by its number"),
    entry(A::Pane(2), "pane-2", Everywhere, &["2"], "", ""),
    entry(A::Pane(3), "pane-3", Everywhere, &["3"], "", ""),
    entry(A::Pane(4), "pane-4", Everywhere, &["4"], "", ""),
    entry(A::Pane(5), "pane-5", Everywhere, &["5"], "", ""),
    entry(A::Pane(6), "pane-6", Everywhere, &["6"], "", ""),
    entry(A::Pane(7), "pane-7", Everywhere, &["7"], "", ""),
    entry(A::Pane(8), "pane-8", Everywhere, &["8"], "", ""),
    entry(A::Pane(9), "pane-9", Everywhere, &["9"], "", ""),
    entry(A::NextPane, "next-pane", Everywhere, &["Tab"], "", "next pane"),
    entry(A::PreviousPane, "previous-pane", Everywhere, &["BackTab"], "", "previous pane"),
    entry(A::Back, "back", Everywhere, &["Esc"], "", "close, or leave a detail"),
    entry(A::Redraw, "redraw", Everywhere, &["Ctrl-l"], "", "paint the screen anew"),
    entry(A::ToggleMouse, "toggle-mouse", Everywhere, &["M"], "", "give the mouse to the terminal, or take it back"),
    entry(A::EarlierMoment, "earlier", Everywhere, &[","], "", "the whole console some seconds earlier"),
    entry(A::LaterMoment, "later", Everywhere, &["."], "", "some seconds later, back to now at last"),
    entry(A::Up, "up", Lists, &["Up", "k"], "", "up"),
    entry(A::Down, "down", Lists, &["Down", "j"], "", "down"),
    entry(A::PageUp, "page-up", Lists, &["PageUp", "Ctrl-b", "Ctrl-u"], "", "a page up"),
    entry(A::PageDown, "page-down", Lists, &["PageDown", "Ctrl-f", "Ctrl-d"], "", "a page down"),
    entry(A::Top, "top", Lists, &["Home", "g"], "", "first row"),
    entry(A::Bottom, "bottom", Lists, &["End", "G"], "", "last row; follows it in Logs"),
    entry(A::Left, "left", Lists, &["Left"], "", "to the left; in charts and logs back in time"),
    entry(A::Right, "right", Lists, &["Right"], "", "to the right; in charts and logs on in time"),
    entry(A::ShorterRange, "shorter-range", Lists, &["+"], "", "a shorter time in charts and logs"),
    entry(A::LongerRange, "longer-range", Lists, &["-"], "", "a longer time in charts and logs"),
    entry(A::Newest, "newest", Lists, &["0"], "", "back to now; in Logs all of the time"),
    entry(A::IncidentsOnly, "incidents", Lists, &["i"], "incidents", "only incidents, or all again"),
    entry(A::LogsThen, "logs-then", Lists, &["l"], "logs then", "the logs around this row and its moment"),
    entry(
        A::HistoryThen,
        "history-then",
        Lists,
        &["h"],
        "history then",
        "the operations around this row and its moment",
    ),
    entry(A::ConsoleThen, "console-then", Lists, &["a"], "then", "the whole console at the moment of this row"),
    entry(A::Open, "open", Lists, &["Enter"], "details", "details of the row"),
    entry(A::Mark, "mark", Lists, &["Space"], "mark", "mark the row"),
    entry(A::Filter, "filter", Lists, &["/"], "filter", "show only rows that match"),
    entry(A::NextMatch, "next-match", Lists, &["n"], "next match", "next match"),
    entry(A::PreviousMatch, "previous-match", Lists, &["N"], "", "previous match"),
    entry(A::Sort, "sort", Lists, &["o"], "sort", "sort by the next column"),
    entry(A::SortReverse, "sort-reverse", Lists, &["O"], "", "sort the other way round"),
    entry(A::Copy, "copy", Lists, &["y"], "copy", "copy the row to the clipboard"),
    entry(A::Export, "export", Lists, &["E"], "export", "write all rows that match to a file"),
    entry(A::Follow, "follow", Lists, &["f"], "follow", "stay at the newest row"),
    needing(
        Needs::Changes,
        entry(A::Drain, "drain", Ensemble, &["d"], "drain", "move all files off a node, or lift that"),
    ),
    needing(Needs::Control, entry(A::Pause, "pause", Ensemble, &["p"], "pause", "pause a server, or start it again")),
    needing(
        Needs::Control,
        entry(A::StopServer, "stop-server", Ensemble, &["S"], "stop", "stop a server, or start it again"),
    ),
    needing(
        Needs::Control,
        entry(A::RestartServer, "restart-server", Ensemble, &["R"], "restart", "stop a server and start it again"),
    ),
    needing(Needs::Store, entry(A::Stress, "stress", Ensemble, &["s"], "stress", "pile files on one node")),
    needing(
        Needs::Store,
        entry(A::RunScheduler, "run-scheduler", Ensemble, &["r"], "run scheduler", "run the scheduler now"),
    ),
    needing(
        Needs::Changes,
        entry(
            A::PauseScheduler,
            "pause-scheduler",
            Ensemble,
            &["P"],
            "pause scheduler",
            "pause the scheduler, or resume it",
        ),
    ),
    needing(Needs::Present, entry(A::Preview, "preview", Ensemble, &["v"], "preview", "show the plan, move nothing")),
    needing(
        Needs::Changes,
        entry(A::StopRun, "stop-run", Ensemble, &["X"], "stop run", "end the run in progress; moves under way finish"),
    ),
    needing(
        Needs::Store,
        entry(A::RunWorkload, "run-workload", Ensemble, &["w"], "workload", "run the sample workload once"),
    ),
    needing(Needs::Store, entry(A::Upload, "upload", Files, &["u"], "upload", "upload a file from this machine")),
    needing(Needs::Present, entry(A::Download, "download", Files, &["D"], "download", "save the file on this machine")),
    needing(
        Needs::Store,
        entry(A::Migrate, "migrate", Files, &["m"], "migrate", "move the marked files to another node"),
    ),
    needing(Needs::Store, entry(A::Delete, "delete", Files, &["x"], "delete", "delete the marked files")),
    entry(A::LevelFilter, "level", Logs, &["L"], "level", "only this level and worse"),
    entry(A::SourceFilter, "source", Logs, &["i"], "source", "only lines of one server"),
    entry(A::TimeRange, "time-range", Logs, &["t"], "time", "the next span of time: 15 minutes to all"),
    entry(A::TypeRange, "type-range", Logs, &["T"], "", "type a span of time, such as 14:00 14:30"),
    entry(A::Context, "context", Logs, &["c"], "context", "the lines beside it in its file; again for more"),
    needing(
        Needs::Container,
        entry(
            A::ContainerLog,
            "container-log",
            Logs,
            &["I"],
            "container",
            "what a server's container prints; again: the next one's",
        ),
    ),
    entry(A::Wrap, "wrap", Logs, &["w"], "wrap", "wrap long lines"),
    entry(A::LogColumns, "columns", Logs, &["C"], "", "other columns"),
    entry(A::CopyQuery, "copy-query", Logs, &["Y"], "", "show and copy the query to Elasticsearch, as curl"),
    entry(A::Searches, "searches", Logs, &["b"], "searches", "saved searches"),
    entry(A::SaveSearch, "save-search", Logs, &["B"], "", "save this search"),
    entry(A::RemoveSearch, "remove-search", Logs, &["x"], "", "remove a saved search"),
    entry(A::NextProblem, "next-problem", Logs, &["]"], "next error", "next error or warning"),
    entry(A::PreviousProblem, "previous-problem", Logs, &["["], "", "previous error or warning"),
    entry(A::NextMinute, "next-minute", Logs, &["}"], "", "first event of the next minute"),
    entry(A::PreviousMinute, "previous-minute", Logs, &["{"], "", "last event of the minute before"),
    entry(A::NextServer, "next-server", Logs, &[">"], "", "next event of another server"),
    entry(A::PreviousServer, "previous-server", Logs, &["<"], "", "previous event of another server"),
    entry(A::Folding, "folding", Logs, &["z"], "", "repeats in one row, or each in its own"),
    entry(A::PlayPause, "play", Past, &["Space"], "", "let the time go on, or stop it"),
];

/// What is known of the action; `None` only for pane numbers above nine.
#[must_use]
pub fn entry_of(action: Action) -> Option<&'static KeyEntry> {
    TABLE.iter().find(|entry| entry.action == action)
}
