//! Commands of the palette: those with arguments, and every action by its name.

use crate::domain::command::{Command, Confirmed, STRESS_FILES, STRESS_SIZE_KB, ServerAction, Stress, WEIGHTS};
use crate::domain::explain::Topic;
use crate::domain::ids::{Bytes, NodeId};
use crate::domain::number::typed;
use crate::domain::snapshot::{Level, Snapshot};

use super::action::Action;
use super::confirms;
use super::effect::Effect;
use super::frame::footer::offered;
use super::keymap::lacks;
use super::keymap::table::{KeyContext, KeyEntry, Needs, TABLE};
use super::order::Work;
use super::paths;
use super::sanitise;
use super::settings;
use super::typed::Typed;
use super::typed_file;
use super::view::View;

/// What an argument names: what can be proposed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    Node,
    Server,
    Weight,
    Files,
    Kib,
    File,
    Path,
    Theme,
    OnOff,
    /// A setting that may be changed.
    Setting,
    /// One that was set for all instances.
    Lifted,
    /// Of the setting before it.
    Value,
    /// Free text.
    Why,
    /// A server, a node, a file, or a state word.
    Word,
    Moment,
    Speed,
}

/// A command that takes arguments.
pub struct Spec {
    pub name: &'static str,
    pub usage: &'static str,
    pub help: &'static str,
    pub needs: Needs,
    pub arguments: &'static [Argument],
    read: Read,
}

/// How the arguments of a command are read.
#[derive(Clone, Copy)]
enum Read {
    /// As words.
    Words(fn(&[&str], &Snapshot) -> Result<Typed, String>),
    /// Paths, names of files and moments may hold blanks: all of it, as it was typed.
    Whole(fn(&str, &Snapshot) -> Result<Typed, String>),
}

const fn spec(
    name: &'static str,
    (usage, arguments): (&'static str, &'static [Argument]),
    help: &'static str,
    needs: Needs,
    read: fn(&[&str], &Snapshot) -> Result<Typed, String>,
) -> Spec {
    Spec { name, usage, help, needs, arguments, read: Read::Words(read) }
}

const fn spec_of_text(
    name: &'static str,
    (usage, arguments): (&'static str, &'static [Argument]),
    help: &'static str,
    needs: Needs,
    read: fn(&str, &Snapshot) -> Result<Typed, String>,
) -> Spec {
    Spec { name, usage, help, needs, arguments, read: Read::Whole(read) }
}

const NODE: (&str, &[Argument]) = ("NODE", &[Argument::Node]);
const SERVER: (&str, &[Argument]) = ("NODE", &[Argument::Server]);
const WEIGHT: (&str, &[Argument]) = ("NODE WEIGHT", &[Argument::Node, Argument::Weight]);
const STRESS: (&str, &[Argument]) = ("NODE FILES KIB", &[Argument::Node, Argument::Files, Argument::Kib]);
const MIGRATE: (&str, &[Argument]) = ("FILE NODE", &[Argument::File, Argument::Node]);
const FILE: (&str, &[Argument]) = ("FILE", &[Argument::File]);
const UPLOAD: (&str, &[Argument]) = ("PATH [NODE]", &[Argument::Path, Argument::Node]);
const DOWNLOAD: (&str, &[Argument]) = ("FILE [PATH]", &[Argument::File, Argument::Path]);
const THEME: (&str, &[Argument]) = ("NAME", &[Argument::Theme]);
const SET: (&str, &[Argument]) = ("NAME VALUE [WHY]", &[Argument::Setting, Argument::Value, Argument::Why]);
const UNSET: (&str, &[Argument]) = ("NAME [WHY]", &[Argument::Lifted, Argument::Why]);
const NONE: (&str, &[Argument]) = ("", &[]);
const WHY: (&str, &[Argument]) = ("WORD", &[Argument::Word]);
const AT: (&str, &[Argument]) = ("MOMENT", &[Argument::Moment]);
const PLAY: (&str, &[Argument]) = ("[MOMENT] [SPEED]", &[Argument::Moment, Argument::Speed]);
const MOUSE: (&str, &[Argument]) = ("on|off", &[Argument::OnOff]);

/// Every command that takes arguments.
pub const SPECS: &[Spec] = &[
    spec("drain", NODE, "move all files off a node, or lift that", Needs::Store, |a, s| node(a, s, confirms::drain)),
    spec("undrain", NODE, "lift a drain", Needs::Changes, |a, s| {
        node(a, s, |_, n| send(Command::Undrain { node: n.clone() }))
    }),
    spec("pause", SERVER, "freeze a server", Needs::Control, |a, s| server(a, s, ServerAction::Pause)),
    spec("resume", SERVER, "let a paused server go on", Needs::Control, |a, s| server(a, s, ServerAction::Resume)),
    spec("stop", SERVER, "stop a server", Needs::Control, |a, s| server(a, s, ServerAction::Stop)),
    spec("start", SERVER, "start a stopped server", Needs::Control, |a, s| server(a, s, ServerAction::Start)),
    spec("restart", SERVER, "stop a server and start it again", Needs::Control, |a, s| {
        server(a, s, ServerAction::Restart)
    }),
    spec("weight", WEIGHT, "share of files of a node; 100 is usual", Needs::Changes, weight),
    spec("stress", STRESS, "pile files on one node", Needs::Store, stress),
    spec_of_text("migrate", MIGRATE, "move one file, by name or id", Needs::Store, migrate),
    spec_of_text("delete", FILE, "delete one file, by name or id", Needs::Store, delete),
    spec_of_text("upload", UPLOAD, "upload a file from this machine", Needs::Store, upload),
    spec_of_text("download", DOWNLOAD, "save a file on this machine", Needs::Present, download),
    spec_of_text("at", AT, "the whole console as it was at a moment", Needs::Nothing, |text, _| {
        if text.is_empty() { Err("missing moment".into()) } else { Ok(Typed::At(text.to_owned())) }
    }),
    spec_of_text(
        "play",
        PLAY,
        "let the past go on from a moment, or through the incident in hand",
        Needs::Nothing,
        |text, _| Ok(Typed::Play(text.to_owned())),
    ),
    spec("now", NONE, "back from the past", Needs::Nothing, |a, _| bare(a, Typed::Now)),
    spec("theme", THEME, "another theme, from themes/ or built in", Needs::Nothing, theme),
    spec(
        "set",
        SET,
        "change a setting: the scheduler's for all instances, or this console's",
        Needs::Nothing,
        settings::set,
    ),
    spec("unset", UNSET, "lift a setting that was set for all instances", Needs::Present, settings::unset),
    spec("settings", NONE, "all settings, their values and where those come from", Needs::Present, |a, _| {
        bare(a, Typed::Settings)
    }),
    spec("who", NONE, "who is attached: each instance, its person, where from, since when", Needs::Present, |a, _| {
        bare(a, Typed::Who)
    }),
    spec("save", NONE, "keep changed settings in zkdeck.toml", Needs::Present, |a, _| bare(a, Typed::Save)),
    spec_of_text("why", WHY, "what a word means, or why something is as it is", Needs::Nothing, why),
    spec("mouse", MOUSE, "take the mouse, or leave it to the terminal", Needs::Nothing, mouse),
];

/// One command that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    /// `NODE WEIGHT`; empty when it takes none.
    pub usage: &'static str,
    pub help: String,
}

/// Actions that make no sense by name: they need a list under them, or are a pane's, which has a name.
const fn is_command(entry: &KeyEntry) -> bool {
    matches!(entry.context, KeyContext::Everywhere | KeyContext::Ensemble) && !matches!(entry.action, Action::Pane(_))
}

/// The command that goes to a pane: `scheduler`.
fn pane_name(title: &str) -> String {
    title.to_lowercase()
}

/// Commands that can be asked for now, with those that go to the panes of these titles.
#[must_use]
pub fn candidates(read_only: bool, titles: &[&str], view: &View<'_>) -> Vec<Candidate> {
    let text = str::to_owned;
    let typed = SPECS.iter().filter(|s| lacks(s.needs, read_only, view.snapshot).is_none());
    let typed = typed.map(|s| Candidate { name: text(s.name), usage: s.usage, help: text(s.help) });
    let acted = offered(read_only, view).filter(|entry| is_command(entry));
    let acted = acted.filter(|entry| SPECS.iter().all(|s| s.name != entry.name));
    let acted = acted.map(|entry| Candidate { name: text(entry.name), usage: "", help: text(entry.help) });
    let panes = titles.iter().map(|title| Candidate {
        name: pane_name(title),
        usage: "",
        help: format!("go to the pane {title}"),
    });
    typed.chain(acted).chain(panes).collect()
}

/// Reads a typed command.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn read(text: &str, read_only: bool, titles: &[&str], snapshot: &Snapshot) -> Result<Typed, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((name, arguments)) = words.split_first() else { return Err("no command was typed".into()) };
    if let Some(spec) = SPECS.iter().find(|spec| spec.name == *name) {
        if let Some(lacks) = lacks(spec.needs, read_only, snapshot) {
            return Err(format!("{name} refused: {lacks}"));
        }
        let typed = match spec.read {
            Read::Words(read) => read(arguments, snapshot),
            Read::Whole(read) => read(text.trim_start().get(name.len()..).unwrap_or_default().trim_start(), snapshot),
        };
        return typed.map_err(|why| format!("{why}. Usage: :{} {}", spec.name, spec.usage));
    }
    let pane = titles.iter().position(|title| pane_name(title) == *name);
    let pane = pane.and_then(|at| u8::try_from(at + 1).ok()).map(Action::Pane);
    let action = pane.or_else(|| TABLE.iter().find(|e| e.name == *name && is_command(e)).map(|entry| entry.action));
    match action {
        Some(_) if !arguments.is_empty() => Err(format!("{name} takes no argument. Usage: :{name}")),
        Some(action) => Ok(Typed::Act(action)),
        None => Err(format!("there is no command {:?}; type : to see them all", sanitise::clean(name))),
    }
}

const fn send(command: Command) -> Effect {
    Effect::Work(Work::Send(command))
}

/// A node that the ensemble has.
///
/// # Errors
/// The names that it could be.
pub fn known_node(text: &str, snapshot: &Snapshot) -> Result<NodeId, String> {
    let found = NodeId::new(text).ok().filter(|node| snapshot.node(node).is_some());
    found.ok_or_else(|| {
        let known: Vec<String> = snapshot.node_ids().iter().map(ToString::to_string).collect();
        format!("there is no node {:?}; the nodes are {}", sanitise::clean(text), known.join(", "))
    })
}

fn node(arguments: &[&str], snapshot: &Snapshot, act: fn(&Snapshot, &NodeId) -> Effect) -> Result<Typed, String> {
    let [name] = arguments else { return Err(amiss(arguments, 1, "missing node")) };
    Ok(Typed::Effect(act(snapshot, &known_node(name, snapshot)?)))
}

fn server(arguments: &[&str], snapshot: &Snapshot, action: ServerAction) -> Result<Typed, String> {
    let [name] = arguments else { return Err(amiss(arguments, 1, "missing server")) };
    let node = known_node(name, snapshot)?;
    Ok(Typed::Effect(if action.takes_away() {
        Effect::Confirm(confirms::server(snapshot, &node, action))
    } else {
        send(Command::Server { node, action, confirmed: Confirmed::Read })
    }))
}

fn weight(arguments: &[&str], snapshot: &Snapshot) -> Result<Typed, String> {
    let [name, weight] = arguments else { return Err(amiss(arguments, 2, "missing node or weight")) };
    let node = known_node(name, snapshot)?;
    let weight = typed("weight", &sanitise::clean(weight), &WEIGHTS)? as u32;
    Ok(Typed::Effect(send(Command::SetWeight { node, weight })))
}

fn stress(arguments: &[&str], snapshot: &Snapshot) -> Result<Typed, String> {
    let [name, files, kib] = arguments else {
        return Err(amiss(arguments, 3, "missing node, number of files or size"));
    };
    let node = known_node(name, snapshot)?;
    let files = typed("files", &sanitise::clean(files), &STRESS_FILES)?;
    let size = Bytes(typed("size", &sanitise::clean(kib), &STRESS_SIZE_KB)? * 1024);
    Ok(Typed::Effect(send(Command::Stress(Stress { node, files, size, trigger_scheduler: false }))))
}

fn migrate(text: &str, snapshot: &Snapshot) -> Result<Typed, String> {
    let (file, name) = text.trim().rsplit_once(' ').ok_or("missing file or node")?;
    let node = known_node(name, snapshot)?;
    let file = typed_file::whole(file, snapshot)?;
    Ok(Typed::Effect(Effect::Confirm(confirms::migrate(snapshot, &[file], &node))))
}

fn delete(text: &str, snapshot: &Snapshot) -> Result<Typed, String> {
    let file = typed_file::whole(text, snapshot)?;
    Ok(Typed::Effect(Effect::Confirm(confirms::delete(snapshot, &[file]))))
}

/// The last word is the node only where it names one and no file is called so with it.
fn upload(text: &str, snapshot: &Snapshot) -> Result<Typed, String> {
    if text.trim().is_empty() {
        return Err("missing path".into());
    }
    let to = paths::split_last(text).and_then(|(path, word)| Some((path.to_owned(), known_node(word, snapshot).ok()?)));
    Ok(Typed::Effect(Effect::Work(Work::Upload { path: text.to_owned(), to })))
}

/// What stands behind the file is the path; without one it is saved in the current folder.
fn download(text: &str, snapshot: &Snapshot) -> Result<Typed, String> {
    let found = typed_file::leading(text, snapshot, usize::MAX).ok_or_else(|| typed_file::unknown(text))?;
    let path = if found.rest.trim().is_empty() { "./" } else { found.rest.trim_start() };
    Ok(Typed::Effect(Effect::Work(Work::Download { file: found.file?, path: path.to_owned() })))
}

fn theme(arguments: &[&str], _: &Snapshot) -> Result<Typed, String> {
    match arguments {
        [name] => Ok(Typed::Theme((*name).to_owned())),
        _ => Err(amiss(arguments, 1, "missing theme")),
    }
}

/// Without a name, what the header says.
fn why(text: &str, snapshot: &Snapshot) -> Result<Typed, String> {
    Topic::named(&sanitise::clean(text), snapshot).map(Typed::Why)
}

/// How a command is typed; `None` when it cannot be asked for here.
#[must_use]
pub fn typed_as(command: &Command, view: &View<'_>) -> Option<String> {
    let (name, node) = match command {
        Command::Server { node, action, .. } => (action.word(), Some(node)),
        Command::Undrain { node } => ("undrain", Some(node)),
        Command::PauseScheduler | Command::ResumeScheduler => ("pause-scheduler", None),
        Command::RunScheduler => ("run-scheduler", None),
        Command::StopRun => ("stop-run", None),
        _ => return None,
    };
    let typed = SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.needs);
    let needs = typed.or_else(|| TABLE.iter().find(|entry| entry.name == name).map(|entry| entry.needs))?;
    let offered = lacks(needs, view.read_only, view.snapshot).is_none();
    offered.then(|| node.map_or_else(|| name.to_owned(), |node| format!("{name} {node}")))
}

fn mouse(arguments: &[&str], _: &Snapshot) -> Result<Typed, String> {
    match arguments {
        [text] => settings::switch(text).map(Typed::Mouse),
        _ => Err(amiss(arguments, 1, "missing on or off")),
    }
}

fn bare(arguments: &[&str], typed: Typed) -> Result<Typed, String> {
    if arguments.is_empty() { Ok(typed) } else { Err(amiss(arguments, 0, "")) }
}

/// What is wrong with the number of arguments, of which there may be `most`.
fn amiss(arguments: &[&str], most: usize, missing: &str) -> String {
    if arguments.len() > most { "too many arguments".into() } else { missing.into() }
}

/// A message as an effect.
#[must_use]
pub const fn complaint(text: String) -> Effect {
    Effect::Toast { level: Level::Error, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;
    use crate::domain::ids::FileId;

    const TITLES: [&str; 3] = ["Health", "Files", "Scheduler"];

    fn sent(text: &str) -> Result<Option<Command>, String> {
        Ok(match read(text, false, &TITLES, &fixtures::snapshot())? {
            Typed::Effect(Effect::Work(Work::Send(command))) => Some(command),
            Typed::Effect(Effect::Confirm(confirm)) => confirm.commands.first().cloned(),
            _ => None,
        })
    }

    #[test]
    fn typed_commands_are_the_commands_of_the_engine() {
        let zk1 = fixtures::node_id("zk1");
        assert_eq!(sent("drain zk1"), Ok(Some(Command::Drain { node: zk1.clone() })));
        assert_eq!(sent("weight zk1 50"), Ok(Some(Command::SetWeight { node: zk1.clone(), weight: 50 })));
        assert_eq!(sent("delete report-0400.bin"), Ok(Some(Command::Delete { file: FileId::new(400) })));
        assert_eq!(
            sent("migrate report-0401.bin zk1"),
            Ok(Some(Command::Migrate { file: FileId::new(401), target: zk1.clone() }))
        );
        let stress = Stress { node: zk1, files: 8, size: Bytes(128 * 1024), trigger_scheduler: false };
        assert_eq!(sent("stress zk1 8 128"), Ok(Some(Command::Stress(stress))));
        assert!(
            matches!(read("theme light", false, &TITLES, &fixtures::snapshot()), Ok(Typed::Theme(name)) if name == "light")
        );
        assert!(matches!(
            read("run-scheduler", false, &TITLES, &fixtures::snapshot()),
            Ok(Typed::Act(Action::RunScheduler))
        ));
    }

    #[test]
    fn a_wrong_command_says_what_is_wrong_and_how_it_is_written() {
        let cases = [
            ("drain zk9", "there is no node \"zk9\"; the nodes are zk1, zk2, zk3. Usage: :drain NODE"),
            ("drain", "missing node. Usage: :drain NODE"),
            ("drain zk1 zk2", "too many arguments. Usage: :drain NODE"),
            ("weight zk1 50 60", "too many arguments. Usage: :weight NODE WEIGHT"),
            ("weight zk1", "missing node or weight. Usage: :weight NODE WEIGHT"),
            ("stress zk1 8 128 9", "too many arguments. Usage: :stress NODE FILES KIB"),
            ("upload", "missing path. Usage: :upload PATH [NODE]"),
            ("download nobody x", "there is no file \"nobody x\". Usage: :download FILE [PATH]"),
            ("download", "missing file. Usage: :download FILE [PATH]"),
            ("mouse foo", "\"foo\" is neither on nor off. Usage: :mouse on|off"),
            ("weight zk1 x", "weight \"x\" is not a whole number from 1 to 10,000. Usage: :weight NODE WEIGHT"),
            ("weight zk1 0", "weight \"0\" is not a whole number from 1 to 10,000. Usage: :weight NODE WEIGHT"),
            ("weight zk1 10001", "weight \"10001\" is not a whole number from 1 to 10,000. Usage: :weight NODE WEIGHT"),
            ("stress zk1 0 128", "files \"0\" is not a whole number from 1 to 10,000. Usage: :stress NODE FILES KIB"),
            (
                "stress zk1 10001 1",
                "files \"10001\" is not a whole number from 1 to 10,000. Usage: :stress NODE FILES KIB",
            ),
            ("stress zk1 8 0", "size \"0\" is not a whole number from 1 to 1,048,576. Usage: :stress NODE FILES KIB"),
            ("delete nobody", "there is no file \"nobody\". Usage: :delete FILE"),
            ("fly", "there is no command \"fly\"; type : to see them all"),
            ("quit now", "quit takes no argument. Usage: :quit"),
            ("files now", "files takes no argument. Usage: :files"),
            ("pane-1", "there is no command \"pane-1\"; type : to see them all"),
        ];
        for (text, message) in cases {
            assert_eq!(sent(text), Err(message.to_owned()));
        }
    }

    fn work(text: &str, snapshot: &Snapshot) -> Work {
        match read(text, false, &[], snapshot) {
            Ok(Typed::Effect(Effect::Work(work))) => work,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn paths_and_names_of_files_may_hold_blanks() {
        let snapshot = fixtures::snapshot_of_files(&["my file.bin", "my", "my  file"]);
        let upload = |path: &str| Work::Upload { path: path.into(), to: None };
        let to = |whole: &str, path: &str| Work::Upload {
            path: whole.into(),
            to: Some((path.into(), fixtures::node_id("zk1"))),
        };
        for (text, wanted) in [
            ("upload /a", upload("/a")),
            ("upload /a  b c", upload("/a  b c")),
            ("upload \"/a b\"", upload("\"/a b\"")),
            ("upload /a\\ ", upload("/a\\ ")),
            ("upload /a b zk9", upload("/a b zk9")),
            ("upload /a b zk1", to("/a b zk1", "/a b")),
            ("upload '/a zk1'", upload("'/a zk1'")),
            ("upload '/a b' zk1", to("'/a b' zk1", "'/a b'")),
        ] {
            assert_eq!(work(text, &snapshot), wanted, "{text}");
        }
        let ids: Vec<FileId> = snapshot.files.iter().map(|entry| entry.id).collect();
        for (text, file, path) in [
            ("download my file.bin", 0, "./"),
            ("download my file.bin /tmp/a b", 0, "/tmp/a b"),
            ("download \"my file.bin\" '/tmp/a b'", 0, "'/tmp/a b'"),
            ("download my /tmp/x", 1, "/tmp/x"),
            ("download my", 1, "./"),
            ("download my a\\ ", 1, "a\\ "),
        ] {
            assert_eq!(work(text, &snapshot), Work::Download { file: ids[file], path: path.into() }, "{text}");
        }
        let confirmed = |text: &str| match read(text, false, &TITLES, &snapshot) {
            Ok(Typed::Effect(Effect::Confirm(confirm))) => confirm.commands,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(confirmed("delete 'my file.bin'"), [Command::Delete { file: ids[0] }]);
        assert_eq!(confirmed("delete my  file"), [Command::Delete { file: ids[2] }]);
        let target = fixtures::node_id("zk2");
        assert_eq!(confirmed("migrate my\\ file.bin zk2"), [Command::Migrate { file: ids[0], target }]);
    }

    #[test]
    fn read_only_refuses_and_hides() {
        let snapshot = fixtures::snapshot();
        let refused = read("drain zk1", true, &TITLES, &snapshot).expect_err("refused");
        assert!(refused.contains("--read-only"), "{refused}");
        let styles = super::super::theme::Styles::plain();
        let keymap = crate::console::keymap::Keymap::new(&Default::default()).expect("default keys");
        let view = View { snapshot: &snapshot, now: fixtures::NOW, styles: &styles, keymap: &keymap, read_only: true };
        let names: Vec<_> = candidates(true, &TITLES, &view).into_iter().map(|c| c.name).collect();
        let has = |name: &str| names.iter().any(|own| own == name);
        assert!(!has("drain") && !has("run-scheduler") && has("theme") && has("files") && !has("pane-1"), "{names:?}");
    }
}
