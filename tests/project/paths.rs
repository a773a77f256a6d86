//! Reads the paths of this crate in Rust's text, as far as the checks of the project need it.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether `path` is `prefix` or below it.
pub(super) fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

pub(super) fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path in `code` that begins with `root`, with `{a, b::c}` written out.
pub(super) fn rooted(code: &str, root: &str) -> Vec<String> {
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            expand(&mut Text { rest: &code[at..] }, "", &mut found);
        }
    }
    found.into_iter().map(|named| named.path).collect()
}

/// A path and the name that it has in the file that imports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: String,
    pub(super) name: String,
}

impl Named {
    fn new(path: &str, alias: &str) -> Self {
        let path = path.trim_end_matches("::").trim_end_matches("::self");
        let last = path.rsplit("::").next().unwrap_or_default();
        Self { path: path.to_owned(), name: if alias.is_empty() { last } else { alias }.to_owned() }
    }
}

/// A `use` with all that it names.
pub(super) struct Import {
    pub(super) public: bool,
    pub(super) names: Vec<Named>,
}

/// The imports of a file, wherever they stand in it, and its code without them.
pub(super) fn imports(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut rest, mut tree) = (Vec::new(), String::new(), None);
    for line in code.lines() {
        let words = line.trim_start();
        let (public, begun) = match words.strip_prefix("pub") {
            Some(after) => (true, after.split_once("use ").filter(|(scope, _)| is_scope(scope.trim()))),
            None => (false, words.strip_prefix("use ").map(|tree| ("", tree))),
        };
        match (&mut tree, begun) {
            (None, Some((_, text))) => tree = Some((public, text.to_owned())),
            (None, None) => rest.extend([line, "\n"]),
            (Some((_, text)), _) => text.extend([line, "\n"]),
        }
        if let Some((public, text)) = tree.take_if(|(_, text)| text.trim_end().ends_with(';')) {
            let mut names = Vec::new();
            expand(&mut Text { rest: &text }, "", &mut names);
            imports.push(Import { public, names });
        }
    }
    (imports, rest)
}

/// Whether it is nothing, or as `(super)` or `(in crate::engine)`.
fn is_scope(text: &str) -> bool {
    text.is_empty() || (text.starts_with('(') && text.ends_with(')'))
}

/// What is left to read of a path; blanks are passed over.
struct Text<'a> {
    rest: &'a str,
}

impl Text<'_> {
    /// Takes `token` when it comes next.
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The name that comes next; empty when there is none.
    fn name(&mut self) -> &str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        self.rest = rest;
        name
    }
}

/// One use-tree after `prefix`: a name, names joined by `::`, or a group in braces.
fn expand(text: &mut Text<'_>, prefix: &str, found: &mut Vec<Named>) {
    let mut path = prefix.to_owned();
    loop {
        if text.take("{") {
            while !text.take("}") && !text.rest.trim_start().is_empty() {
                let before = text.rest.len();
                expand(text, &path, found);
                // What is no path is passed over, character by character.
                if !text.take(",") && text.rest.len() == before {
                    text.rest = text.rest.trim_start().get(1..).unwrap_or_default();
                }
            }
            return;
        }
        let name = text.name();
        path.push_str(name);
        if name.is_empty() || !text.take("::") {
            break;
        }
        path.push_str("::");
    }
    let alias = if text.take("as ") { text.name() } else { "" };
    found.push(Named::new(&path, alias));
}

/// Every file of Rust below `src`, by its path there, with its text.
pub(super) fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |file: PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (path, fs::read_to_string(&file).unwrap())
    };
    sources(&root).into_iter().map(read).collect()
}

/// The files below `folder` that end in `.rs`.
pub(super) fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let each = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    let mut all: Vec<_> = paths.flat_map(each).filter(|path| path.extension().is_some_and(|e| e == "rs")).collect();
    all.sort();
    all
}
