//! Keys to actions: the default table with the user's changes.

pub mod notation;
pub mod table;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use self::table::{KeyContext, KeyEntry, Needs, TABLE, entry_of};
use super::action::Action;
use super::input::Key;
use super::time;
use crate::domain::command::Rejected;
use crate::domain::ids::Timestamp;
use crate::domain::server::ServerView;
use crate::domain::snapshot::Snapshot;

/// The user's own keys: name of the action to its keys; an empty list unbinds it.
pub type Rebinding = BTreeMap<String, Vec<String>>;

/// Why the keys of the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("[keys]: there is no action {name:?}; the actions are {known}")]
    UnknownAction { name: String, known: String },
    #[error("[keys] {action}: {key:?} is no key: {why}")]
    BadKey { action: &'static str, key: String, why: &'static str },
    #[error("[keys] {action}: {key} would never come: {why}")]
    NeverComes { action: &'static str, key: String, why: &'static str },
    #[error("[keys]: {key} would be {first} and {second}; bind one of them to another key")]
    Clash { key: String, first: &'static str, second: &'static str },
}

/// Which keys mean what.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<(Key, &'static KeyEntry)>,
}

impl Keymap {
    /// The default table with `changes` on top.
    ///
    /// # Errors
    /// [`KeymapError`]: an unknown action, a text that is no key, or one key for two actions.
    pub fn new(changes: &Rebinding) -> Result<Self, KeymapError> {
        if let Some(name) = changes.keys().find(|name| TABLE.iter().all(|entry| entry.name != **name)) {
            let known: Vec<_> = TABLE.iter().map(|entry| entry.name).collect();
            return Err(KeymapError::UnknownAction { name: name.clone(), known: known.join(", ") });
        }
        let mut bindings = Vec::new();
        for entry in TABLE {
            let keys: Vec<&str> = match changes.get(entry.name) {
                Some(own) => own.iter().map(String::as_str).collect(),
                None => entry.keys.to_vec(),
            };
            for key in keys {
                let chord = Key::parse(key).map_err(|why| KeymapError::BadKey {
                    action: entry.name,
                    key: key.to_owned(),
                    why,
                })?;
                if let Some(why) = chord.never_comes().filter(|_| !is_own(chord, entry.action)) {
                    return Err(KeymapError::NeverComes { action: entry.name, key: chord.to_string(), why });
                }
                add(&mut bindings, chord, entry)?;
            }
        }
        Ok(Self { bindings })
    }

    /// The same without the keys of some actions.
    #[must_use]
    pub fn without(mut self, gone: fn(Action) -> bool) -> Self {
        self.bindings.retain(|(_, entry)| !gone(entry.action));
        self
    }

    /// What the key means in a pane that handles `own`: the pane's own meaning comes first.
    #[must_use]
    pub fn action(&self, key: Key, own: &[Action]) -> Option<Action> {
        let of_key = || self.bindings.iter().filter(|(c, _)| *c == key).map(|(_, entry)| *entry);
        let framed = |entry: &&KeyEntry| matches!(entry.context, KeyContext::Everywhere | KeyContext::Ensemble);
        of_key()
            .find(|entry| !framed(entry) && own.contains(&entry.action))
            .or_else(|| of_key().find(framed))
            .map(|entry| entry.action)
    }

    /// What the key means before all else while the console shows a past moment.
    #[must_use]
    pub fn past_action(&self, key: Key) -> Option<Action> {
        let of_past = |(own, entry): &&(Key, &KeyEntry)| *own == key && entry.context == KeyContext::Past;
        self.bindings.iter().find(of_past).map(|(_, entry)| entry.action)
    }

    /// The first key of the action, as people write it; `None` when it is bound to none.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<String> {
        self.bindings.iter().find(|(_, entry)| entry.action == action).map(|(chord, _)| chord.to_string())
    }

    /// All keys of the action.
    #[must_use]
    pub fn keys(&self, action: Action) -> Vec<String> {
        self.bindings.iter().filter(|(_, entry)| entry.action == action).map(|(chord, _)| chord.to_string()).collect()
    }
}

/// What the console itself takes the key for, whatever is bound to it.
fn is_own(key: Key, action: Action) -> bool {
    key == Key::control('c') && action == Action::Quit
}

fn add(bindings: &mut Vec<(Key, &'static KeyEntry)>, chord: Key, entry: &'static KeyEntry) -> Result<(), KeymapError> {
    let taken = bindings
        .iter()
        .find(|(c, other)| *c == chord && other.action != entry.action && other.context.clashes_with(entry.context));
    if let Some((_, other)) = taken {
        return Err(KeymapError::Clash { key: chord.to_string(), first: other.name, second: entry.name });
    }
    bindings.push((chord, entry));
    Ok(())
}

/// What there must be for the action.
#[must_use]
pub fn needs(action: Action) -> Needs {
    entry_of(action).map_or(Needs::Nothing, |entry| entry.needs)
}

/// Why something cannot be asked for here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    Rejected(Rejected),
    /// The console shows this moment, which is over.
    Past(Timestamp),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(why) => why.fmt(f),
            Self::Past(at) => write!(f, "the console shows {}; Esc returns to now", time::of_day(*at)),
        }
    }
}

/// Why it cannot be asked for here: what cannot be done is not offered.
#[must_use]
pub fn lacks(needs: Needs, read_only: bool, snapshot: &Snapshot) -> Option<Lack> {
    match (needs, &snapshot.past) {
        (Needs::Nothing, _) => None,
        (_, Some(_)) => Some(Lack::Past(snapshot.taken_at)),
        (needs, None) => lacks_now(needs, read_only, snapshot).map(Lack::Rejected),
    }
}

fn lacks_now(needs: Needs, read_only: bool, snapshot: &Snapshot) -> Option<Rejected> {
    if needs == Needs::Present {
        return None;
    }
    if needs == Needs::Container {
        return (!snapshot.servers.iter().any(ServerView::is_contained)).then(|| Rejected::NotPossible {
            what: "showing what a container prints".into(),
            why: "no server is seen to run in a container".into(),
        });
    }
    if read_only {
        return Some(Rejected::ReadOnly);
    }
    match needs {
        Needs::Store => snapshot.session.store.check().err(),
        Needs::Changes => snapshot.session.store.check_steers().err(),
        Needs::Control => snapshot.control.check().err(),
        _ => None,
    }
}

/// The README's table of default keys, in Markdown, with a line end after each row.
#[must_use]
pub fn key_table_markdown() -> String {
    let mut out = String::from("| where | key | action | name in `[keys]` |\n|---|---|---|---|\n");
    for context in KeyContext::ALL {
        for entry in TABLE.iter().filter(|entry| entry.context == context && !entry.help.is_empty()) {
            let keys: Vec<String> = entry.keys.iter().map(|key| format!("`{key}`")).collect();
            _ = writeln!(out, "| {} | {} | {} | `{}` |", context.heading(), keys.join(" "), entry.help, entry.name);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::notation::parse_keys;
    use super::*;
    use crate::domain::fixtures;
    use crate::domain::server::{ContainerView, HostView};

    fn rebound(changes: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
        let own = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Keymap::new(&changes.iter().map(|(name, keys)| ((*name).to_owned(), own(keys))).collect())
    }

    fn meaning(keymap: &Keymap, key: &str, own: &[Action]) -> Option<Action> {
        keymap.action(parse_keys(key)[0], own)
    }

    #[test]
    fn the_default_table_has_no_clash_and_no_doubled_name() {
        rebound(&[]).expect("defaults");
        for (i, entry) in TABLE.iter().enumerate() {
            assert!(TABLE[i + 1..].iter().all(|other| other.name != entry.name && other.action != entry.action));
        }
    }

    #[test]
    fn a_panes_own_key_comes_before_the_frames() {
        let keymap = rebound(&[]).expect("defaults");
        assert_eq!(meaning(&keymap, "w", &[]), Some(Action::RunWorkload));
        assert_eq!(meaning(&keymap, "w", &[Action::Wrap]), Some(Action::Wrap));
        assert_eq!(meaning(&keymap, "x", &[]), None);
        assert_eq!(meaning(&keymap, "x", &[Action::Delete]), Some(Action::Delete));
        assert_eq!(meaning(&keymap, "Ctrl-c", &[]), Some(Action::Quit));
        assert_eq!(meaning(&keymap, "7", &[]), Some(Action::Pane(7)));
    }

    #[test]
    fn users_rebind_and_unbind() {
        let keymap = rebound(&[("drain", &["F2", "Alt-d"]), ("pause", &[])]).expect("no clash");
        assert_eq!(meaning(&keymap, "F2", &[]), Some(Action::Drain));
        assert_eq!(meaning(&keymap, "d", &[]), None);
        assert_eq!(meaning(&keymap, "p", &[]), None);
        assert_eq!(keymap.key(Action::Drain).as_deref(), Some("F2"));
        assert_eq!(keymap.keys(Action::Drain), ["F2", "Alt-d"]);
        assert_eq!(keymap.key(Action::Pause), None);
    }

    #[test]
    fn a_clash_names_both_actions() {
        let clash = rebound(&[("drain", &["q"])]).expect_err("q is taken");
        assert_eq!(clash, KeymapError::Clash { key: "q".into(), first: "quit", second: "drain" });
        assert_eq!(clash.to_string(), "[keys]: q would be quit and drain; bind one of them to another key");
        assert!(matches!(rebound(&[("dran", &["F2"])]), Err(KeymapError::UnknownAction { .. })));
        assert!(matches!(rebound(&[("drain", &["dd"])]), Err(KeymapError::BadKey { action: "drain", .. })));
        rebound(&[("wrap", &["d"])]).expect("the logs pane may take a key of the ensemble");
    }

    /// What a terminal cannot tell from another key, and what the console takes for itself.
    #[test]
    fn a_key_that_can_never_come_is_refused_with_its_reason() {
        for (key, part) in [
            ("Ctrl-c", "leaves the console"),
            ("Ctrl-C", "leaves the console"),
            ("Ctrl-z", "stops the console"),
            ("Ctrl-i", "for Tab"),
            ("Ctrl-Alt-i", "for Tab"),
            ("Ctrl-m", "for Enter"),
            ("Ctrl-[", "for Esc"),
            ("Ctrl-Enter", "with Ctrl and without"),
            ("Ctrl-Tab", "with Ctrl and without"),
            ("Ctrl-BackTab", "with Ctrl and without"),
            ("Ctrl-Esc", "with Ctrl and without"),
            ("Ctrl-Backspace", "with Ctrl and without"),
            ("Ctrl-1", "only with letters"),
            ("Ctrl-;", "only with letters"),
            ("Ctrl-é", "only with letters"),
        ] {
            let error = rebound(&[("sort", &[key])]).expect_err(key).to_string();
            let named = format!("[keys] sort: {} would never come: ", Key::parse(key).expect("a key"));
            assert!(error.starts_with(&named) && error.contains(part), "{error}");
        }
        for key in [
            "Ctrl-a",
            "Ctrl-j",
            "Ctrl-h",
            "Ctrl-Space",
            "Ctrl-\\",
            "Ctrl-]",
            "Ctrl-_",
            "Ctrl-Up",
            "Ctrl-F5",
            "Ctrl-Delete",
            "Alt-x",
            "Alt-Enter",
            "Alt-Tab",
            "Alt-Backspace",
            "Alt-[",
            "Alt-é",
            "Ctrl-Alt-c",
            "Ctrl-Alt-z",
        ] {
            rebound(&[("sort", &[key])]).unwrap_or_else(|why| panic!("{why}"));
        }
        rebound(&[("quit", &["Q", "Ctrl-c"])]).expect("it leaves the console");
    }

    #[test]
    fn nothing_that_changes_things_is_on_a_control_key() {
        for entry in TABLE.iter().filter(|entry| entry.needs != Needs::Nothing) {
            assert!(entry.keys.iter().all(|key| !key.starts_with("Ctrl-")), "{}", entry.name);
        }
    }

    #[test]
    fn the_readme_table_has_every_action_with_words() {
        let table = key_table_markdown();
        assert!(table.contains("| The ensemble | `d` | move all files off a node, or lift that | `drain` |\n"));
        assert_eq!(table.lines().count(), 2 + TABLE.iter().filter(|entry| !entry.help.is_empty()).count());
        let readme = include_str!("../../../README.md");
        assert!(
            readme.contains(&format!("<!-- keys -->\n{table}<!-- /keys -->")),
            "the README needs this table:\n{table}"
        );
    }

    #[test]
    fn what_a_container_prints_can_be_asked_for_where_there_is_one() {
        let mut snapshot = fixtures::snapshot();
        assert!(lacks(Needs::Container, false, &snapshot).is_some_and(|why| why.to_string().contains("container")));
        let text = String::new;
        let container = ContainerView { id: text(), image: text(), project: text(), since: None };
        let mut servers = snapshot.servers.to_vec();
        servers[0].host = Some(HostView { container: Some(container), ..fixtures::host("zk1") });
        snapshot.servers = servers.into();
        assert_eq!(lacks(Needs::Container, true, &snapshot), None, "who only watches may read it");
    }
}
