//! Files of the store as they are typed in a command: by id, by name, or by a name in quotes, with more behind it.

use std::collections::HashMap;

use super::paths;
use super::sanitise;
use crate::domain::ids::FileId;
use crate::domain::snapshot::Snapshot;

/// A file that the beginning of a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedFile<'a> {
    /// Why it is not known which file is meant, where several are called so.
    pub file: Result<FileId, String>,
    /// What is typed behind it.
    pub rest: &'a str,
}

/// The longest beginning of the text that names a file, among the first `looked_at` by name: names may hold blanks.
#[must_use]
pub fn leading<'a>(text: &'a str, snapshot: &Snapshot, looked_at: usize) -> Option<TypedFile<'a>> {
    let word = text.split(' ').next().unwrap_or_default();
    if let Ok(id) = word.parse::<FileId>()
        && snapshot.files.get(id).is_some()
    {
        return Some(TypedFile { file: Ok(id), rest: &text[word.len()..] });
    }
    let names = beginnings(text);
    let mut best: Option<(Beginning, Result<FileId, String>)> = None;
    for entry in snapshot.files.iter().take(looked_at) {
        let name = &entry.record.name;
        let Some(begins) = names.get(name.as_str()) else { continue };
        match &best {
            Some((longest, _)) if longest > begins => {}
            Some((longest, _)) if longest == begins => {
                let several = format!("several files are named {:?}: give the id", sanitise::clean(name));
                best = Some((*begins, Err(several)));
            }
            _ => best = Some((*begins, Ok(entry.id))),
        }
    }
    best.map(|(begins, file)| TypedFile { file, rest: &text[begins.end..] })
}

/// Where a name ends, and whether it stands there letter by letter; the better one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Beginning {
    end: usize,
    is_literal: bool,
}

/// The names that the text may begin with: as they stand there, or as a shell reads them.
fn beginnings(text: &str) -> HashMap<String, Beginning> {
    let mut names = HashMap::new();
    for end in text.match_indices(' ').map(|(at, _)| at).chain([text.len()]) {
        let begun = &text[..end];
        let read = paths::read(begun).ok().filter(|read| read.home.is_none() && read.open.is_none());
        // A blank that is not quoted divides it from what follows.
        if let Some(read) = read.filter(|read| read.path.ends_with(' ') || !begun.ends_with(' ')) {
            names.insert(read.path, Beginning { end, is_literal: false });
        }
        names.insert(begun.to_owned(), Beginning { end, is_literal: true });
    }
    names
}

/// The file that the whole text names.
///
/// # Errors
/// That there is none, or that several are called so.
pub fn whole(text: &str, snapshot: &Snapshot) -> Result<FileId, String> {
    match leading(text.trim_start(), snapshot, usize::MAX) {
        Some(found) if found.rest.trim().is_empty() => found.file,
        _ => Err(unknown(text)),
    }
}

/// What is said where no file is named.
#[must_use]
pub fn unknown(text: &str) -> String {
    match text.trim() {
        "" => "missing file".into(),
        text => format!("there is no file {:?}", sanitise::clean(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    #[test]
    fn the_longest_beginning_that_is_a_name_is_the_file() {
        let names = ["my", "my file.bin", "it's a.bin", "a  b", "\"q\"", "q", "twice", "twice", "tail "];
        let snapshot = fixtures::snapshot_of_files(&names);
        let ids: Vec<FileId> = snapshot.files.iter().map(|entry| entry.id).collect();
        for (text, wanted) in [
            ("my", Some((0, ""))),
            ("my fi", Some((0, " fi"))),
            ("my file.bin", Some((1, ""))),
            ("my file.bin ", Some((1, " "))),
            ("my file.bin /tmp/a b", Some((1, " /tmp/a b"))),
            ("'my file.bin' /tmp/a b", Some((1, " /tmp/a b"))),
            ("my\\ file.bin x", Some((1, " x"))),
            ("'my file.bin", None),
            ("it's a.bin x", Some((2, " x"))),
            ("a  b  c", Some((3, "  c"))),
            ("\"q\"", Some((4, ""))),
            ("'q'", Some((5, ""))),
            ("tail\\  x", Some((8, " x"))),
            ("nobody", None),
            ("", None),
        ] {
            let found = leading(text, &snapshot, usize::MAX);
            assert_eq!(found, wanted.map(|(at, rest)| TypedFile { file: Ok(ids[at]), rest }), "{text}");
        }
        let id = format!("{} /tmp/x", ids[3]);
        assert_eq!(leading(&id, &snapshot, 0), Some(TypedFile { file: Ok(ids[3]), rest: " /tmp/x" }));
        assert_eq!(leading("my", &snapshot, 0), None, "no name is looked at");
        assert_eq!(whole("twice", &snapshot), Err("several files are named \"twice\": give the id".into()));
    }
}
