//! What can be proposed while a command is typed: commands by name and description, and for each argument what there is.

use super::commands::{Argument, Candidate, SPECS, Spec, candidates};
use super::keymap::lacks;
use super::overlay::scene::OverlayScene;
use super::own::{GLYPHS, GlyphSet, MOUSE, THEME};
use super::paths;
use super::rewind::SPEEDS;
use super::sanitise;
use super::settings;
use super::time;
use super::typed_file;
use super::widgets::words;
use crate::domain::command::{STRESS_FILES, STRESS_SIZE_KB, WEIGHTS};
use crate::domain::explain::Topic;
use crate::domain::ids::Timestamp;
use crate::domain::node::WEIGHT_DEFAULT;
use crate::domain::number;
use crate::domain::rewind::MOMENT_TYPED;
use crate::domain::setting::Setting;
use crate::domain::snapshot::Snapshot;

/// Rows that are proposed at most, and files that are looked at for them: there may be a million.
const ROWS_MAX: usize = 50;
const FILES_LOOKED_AT: usize = 5_000;

/// One thing that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    /// `NODE WEIGHT` behind the name of a command.
    pub usage: &'static str,
    /// What it is: `415 files  draining`.
    pub about: String,
    /// It fits by what it is called, not by its description.
    pub by_name: bool,
}

/// What may stand at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestions {
    pub rows: Vec<Suggestion>,
    /// What was typed of it so far: it stands just before the cursor.
    pub typed: String,
    /// What is asked for here, when it cannot be listed, and its bounds.
    pub hint: String,
    /// `None` for a command's name.
    pub argument: Option<Argument>,
    /// The path that ends at the cursor, so far: the place knows what could follow.
    pub path: Option<String>,
    /// Nothing more is needed after it.
    pub is_last: bool,
}

/// Proposals for what stands before the cursor.
#[must_use]
pub fn suggest(before: &str, scene: &OverlayScene<'_>) -> Suggestions {
    let text = before.trim_start();
    let Some((name, rest)) = text.split_once(' ') else { return commands(text, scene) };
    let spec = SPECS.iter().find(|spec| spec.name == name);
    match spec.filter(|spec| lacks(spec.needs, scene.read_only, scene.view.snapshot).is_none()) {
        Some(spec) => arguments(spec, rest.trim_start(), scene),
        None => commands(text, scene),
    }
}

fn commands(wanted: &str, scene: &OverlayScene<'_>) -> Suggestions {
    let lower = wanted.to_lowercase();
    let described = |help: &str| {
        let help = help.to_lowercase();
        lower.split_whitespace().all(|word| help.contains(word)).then_some(DESCRIBED)
    };
    let rank = |one: &Candidate| fits(&lower, &one.name).or_else(|| described(&one.help));
    let all = candidates(scene.read_only, scene.titles, scene.view);
    let ranked = all.into_iter().filter_map(|one| Some((rank(&one)?, one)));
    let rows = sorted(ranked, |one, rank| Suggestion {
        text: one.name,
        usage: one.usage,
        about: one.help,
        by_name: rank < DESCRIBED,
    });
    let hint = if rows.is_empty() { "no such command; Esc closes" } else { "" };
    Suggestions { rows, typed: wanted.to_owned(), hint: hint.to_owned(), ..Suggestions::default() }
}

/// The argument that the cursor is in.
fn arguments(spec: &Spec, rest: &str, scene: &OverlayScene<'_>) -> Suggestions {
    let mut left = rest;
    for (at, argument) in spec.arguments.iter().enumerate() {
        let is_last = at + 1 == spec.arguments.len();
        let end = match argument {
            Argument::Path => return path(spec, left, is_last, scene),
            Argument::File | Argument::Moment | Argument::Word if is_last => None,
            Argument::File => end_of_name(left, scene.view.snapshot),
            _ => left.find(' '),
        };
        let Some(end) = end else {
            let before = rest[..rest.len() - left.len()].trim();
            let (rows, hint) = proposed(*argument, before, left, scene);
            let hint = if hint.is_empty() && rows.is_empty() { "nothing begins or reads so".to_owned() } else { hint };
            let (typed, argument) = (left.to_owned(), Some(*argument));
            return Suggestions { rows, typed, hint, argument, path: None, is_last };
        };
        left = left[end..].trim_start();
    }
    that_is_all(spec)
}

fn that_is_all(spec: &Spec) -> Suggestions {
    Suggestions { hint: format!("that is all: :{} {}", spec.name, spec.usage), is_last: true, ..Suggestions::default() }
}

/// A path may hold blanks: a word behind one may be of the path, or the node where one begins so.
fn path(spec: &Spec, text: &str, is_last: bool, scene: &OverlayScene<'_>) -> Suggestions {
    let word = paths::begun_word(text).filter(|_| !is_last);
    let all: Vec<_> = nodes(scene.view.snapshot).collect();
    if word == Some("") && paths::split_last(text).is_some_and(|(_, word)| all.iter().any(|(name, _)| name == word)) {
        return that_is_all(spec);
    }
    let path = Some(text.to_owned());
    let begin = word.map(|word| (word, of_list(all.into_iter().filter(|(name, _)| name.starts_with(word)), word)));
    match begin.filter(|(_, rows)| !rows.is_empty()) {
        Some((word, rows)) => {
            let (typed, argument) = (word.to_owned(), Some(Argument::Node));
            Suggestions { rows, typed, hint: String::new(), argument, path, is_last: true }
        }
        None => {
            let (rows, hint) = proposed(Argument::Path, "", text, scene);
            Suggestions { rows, typed: text.to_owned(), hint, argument: Some(Argument::Path), path, is_last }
        }
    }
}

/// Where the name of a file ends that has an argument behind it: names may hold blanks.
fn end_of_name(text: &str, snapshot: &Snapshot) -> Option<usize> {
    let found = typed_file::leading(text, snapshot, FILES_LOOKED_AT)?;
    (!found.rest.is_empty()).then(|| text.len() - found.rest.len())
}

fn proposed(argument: Argument, before: &str, typed: &str, scene: &OverlayScene<'_>) -> (Vec<Suggestion>, String) {
    let snapshot = scene.view.snapshot;
    let range = |of| number::range(of);
    match argument {
        Argument::Node => (of_list(nodes(snapshot), typed), String::new()),
        Argument::Server => (of_list(servers(snapshot), typed), String::new()),
        Argument::Theme => {
            (of_list(scene.themes.iter().map(|theme| (theme.name.clone(), theme.about.clone())), typed), String::new())
        }
        Argument::OnOff => {
            let both = [("on", "the console has the mouse"), ("off", "the terminal has it, to select text")];
            (of_list(both.map(|(text, about)| (text.to_owned(), about.to_owned())), typed), String::new())
        }
        Argument::File => files(typed, snapshot),
        Argument::Word => (of_list(Topic::names(snapshot), typed), String::new()),
        Argument::Setting => (of_list(settings::names(snapshot, scene.own), typed), String::new()),
        Argument::Lifted => {
            let rows = of_list(settings::lifted(snapshot), typed);
            let none = rows.is_empty() && typed.is_empty();
            (rows, if none { "nothing is set for all instances".to_owned() } else { String::new() })
        }
        Argument::Value => of_setting(before, typed, scene),
        Argument::Why => (Vec::new(), "why, for history; Enter goes without".to_owned()),
        Argument::Moment => (of_list(moments(snapshot, scene.view.now), typed), MOMENT_TYPED.to_owned()),
        Argument::Speed => {
            let about = |speed: &str| format!("{} s of then in a second", speed.trim_end_matches('x'));
            (of_list(SPEEDS.map(|speed| (speed.to_owned(), about(speed))), typed), String::new())
        }
        Argument::Weight => (Vec::new(), format!("weight: {}, {WEIGHT_DEFAULT} is usual", range(&WEIGHTS))),
        Argument::Files => (Vec::new(), format!("files: {}", range(&STRESS_FILES))),
        Argument::Kib => (Vec::new(), format!("size of each in KiB: {}", range(&STRESS_SIZE_KB))),
        Argument::Path => (Vec::new(), "a path on this machine; Tab completes it".to_owned()),
    }
}

/// Values that the setting named `name` may have.
fn of_setting(name: &str, typed: &str, scene: &OverlayScene<'_>) -> (Vec<Suggestion>, String) {
    if let Some(setting) = Setting::named(name) {
        return (Vec::new(), format!("{}: {}", setting.about(), setting.takes()));
    }
    let argument = match name {
        THEME => Argument::Theme,
        MOUSE => Argument::OnOff,
        GLYPHS => {
            let words = GlyphSet::ALL.map(|set| (set.word().to_owned(), String::new()));
            return (of_list(words, typed), String::new());
        }
        _ => return (Vec::new(), format!("there is no setting {:?}", sanitise::clean(name))),
    };
    proposed(argument, "", typed, scene)
}

/// When incidents began, newest first, and some usual moments.
fn moments(snapshot: &Snapshot, now: Timestamp) -> impl Iterator<Item = (String, String)> {
    let moment = move |at: Timestamp| match time::date(at) == time::date(now) {
        true => time::of_day(at),
        false => time::of_date(at).replace(' ', "T"),
    };
    let incidents = snapshot.incidents.iter().take(ROWS_MAX);
    let incidents = incidents.map(move |one| (moment(one.began), one.what.to_string()));
    let usual = [("-5m", "five minutes ago"), ("-1h", "an hour ago"), ("yesterday", "its midnight; a time may follow")];
    incidents.chain(usual.map(|(text, about)| (text.to_owned(), about.to_owned())))
}

/// `415 files  draining`.
fn nodes(snapshot: &Snapshot) -> impl Iterator<Item = (String, String)> {
    snapshot.nodes.iter().map(|node| {
        let known = words::counts_known(snapshot);
        let files = if known { words::count(node.files, "file") } else { "- files".to_owned() };
        (node.id.to_string(), format!("{files:>13}  {}", words::node(node, snapshot)))
    })
}

/// `leader  up`.
fn servers(snapshot: &Snapshot) -> impl Iterator<Item = (String, String)> {
    snapshot.servers.iter().map(|server| {
        let role = words::or_dash(server.role.map(|role| role.word()));
        (server.node.to_string(), format!("{role:<10}  {}", server.verdict.state.word()))
    })
}

fn of_list(all: impl IntoIterator<Item = (String, String)>, typed: &str) -> Vec<Suggestion> {
    let lower = typed.to_lowercase();
    let ranked = all.into_iter().filter_map(|one| Some((fits(&lower, &one.0)?, one)));
    sorted(ranked, |(text, about), _| Suggestion { text, usage: "", about, by_name: true })
}

fn files(typed: &str, snapshot: &Snapshot) -> (Vec<Suggestion>, String) {
    let lower = typed.to_lowercase();
    let found = snapshot.files.iter().take(FILES_LOOKED_AT);
    let found = found.filter(|file| file.record.name.to_lowercase().contains(&lower)).take(ROWS_MAX);
    let all = found.map(|file| (file.record.name.to_string(), format!("{}  {}", file.record.size, file.record.owner)));
    let rows = of_list(all, typed);
    let hint = if snapshot.files.len() > FILES_LOOKED_AT {
        format!("of the first {} files; an id does too", number::grouped(FILES_LOOKED_AT as u64))
    } else {
        String::new()
    };
    (rows, hint)
}

/// Rank of a fit by description only.
const DESCRIBED: u8 = 3;

/// How well a name fits: it begins so, holds it, or has its letters in their order.
fn fits(wanted: &str, name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if name.starts_with(wanted) {
        Some(0)
    } else if name.contains(wanted) {
        Some(1)
    } else {
        in_order(wanted, &name).then_some(2)
    }
}

/// Whether the letters of `wanted` appear in `name` in their order.
fn in_order(wanted: &str, name: &str) -> bool {
    let mut letters = name.chars();
    wanted.chars().all(|w| letters.any(|l| l == w))
}

/// The best first, else as they came, each made harmless to show.
fn sorted<T>(ranked: impl Iterator<Item = (u8, T)>, row: impl Fn(T, u8) -> Suggestion) -> Vec<Suggestion> {
    let mut all: Vec<(u8, T)> = ranked.collect();
    all.sort_by_key(|(rank, _)| *rank);
    let rows = all.into_iter().take(ROWS_MAX).map(|(rank, one)| row(one, rank));
    rows.map(|row| Suggestion { about: sanitise::clean(&row.about).into_owned(), ..row }).collect()
}
