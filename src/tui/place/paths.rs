//! What a typed path names on this host, and what could follow it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::console::paths::{self, TypedPath};
use crate::console::place::{CompletionAsk, Completions};

/// Names of a folder that are looked at, and for how long: it may hold a million, on a disk that is slow.
const NAMES_MAX: usize = 20_000;
const LOOK: Duration = Duration::from_millis(500);
/// Names that are shown.
const SHOWN_MAX: usize = 200;

/// The path that is meant: what is there under the very name, else as a shell would read it.
pub(super) fn resolve(text: &str) -> Result<PathBuf, String> {
    let literal = [text, text.trim()].map(Path::new).into_iter().find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = literal.filter(|_| !text.trim_start().starts_with('~')) {
        return Ok(path.to_owned());
    }
    let typed = paths::read(text)?;
    // A quote that is not closed is part of the name.
    let path = if typed.open.is_some() { text.trim() } else { &typed.path };
    match (&typed.home, literal) {
        (None, _) => Ok(PathBuf::from(path)),
        (Some(user), literal) => match (home(user), literal) {
            (Ok(home), _) => Ok(home.join(path)),
            (Err(_), Some(literal)) => Ok(literal.to_owned()),
            (Err(why), None) => Err(why),
        },
    }
}

/// The home of a user, or of the one who runs this.
fn home(user: &str) -> Result<PathBuf, String> {
    if user.is_empty()
        && let Some(home) = std::env::var_os("HOME").filter(|home| !home.is_empty())
    {
        return Ok(PathBuf::from(home));
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let uid = rustix::process::geteuid().as_raw().to_string();
    home_in(&users, user, &uid).ok_or_else(|| match user {
        "" => "the home of this user is not known: HOME is not set".to_owned(),
        user => format!("there is no user {user:?} on this machine, whose home ~{user} would be"),
    })
}

/// By the lines of `passwd(5)`.
fn home_in(users: &str, user: &str, uid: &str) -> Option<PathBuf> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let is_meant = |fields: &Vec<&str>| if user.is_empty() { fields.get(2) == Some(&uid) } else { fields[0] == user };
    let found = fields.filter(|fields| fields.len() >= 6).find(is_meant)?;
    Some(PathBuf::from(found[5]))
}

/// What could follow the text that was typed.
pub(super) fn complete(asked: &CompletionAsk) -> Result<Completions, String> {
    let mut typed = paths::read(&asked.typed)?;
    if asked.typed.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        return Ok(Completions::default());
    }
    // More will follow: a blank at the end is the name's.
    if typed.open.is_none() && !asked.typed.ends_with("\\ ") {
        let blanks = asked.typed.len() - asked.typed.trim_end_matches(' ').len();
        typed.path.push_str(&" ".repeat(blanks));
    }
    if let (Some(user), "") = (&typed.home, &*typed.path)
        && !asked.typed.ends_with('/')
    {
        return home(user).map(|_| Completions { append: "/".into(), ..Completions::default() });
    }
    let (folder, begun) = match typed.path.rsplit_once('/') {
        Some((folder, begun)) => (format!("{folder}/"), begun),
        None => (String::new(), &*typed.path),
    };
    let place = place(&typed, &folder)?;
    let (names, looked_at_all) = names(&place, begun)?;
    Ok(answer(&names, looked_at_all, begun, typed.open))
}

fn place(typed: &TypedPath, folder: &str) -> Result<PathBuf, String> {
    match &typed.home {
        Some(user) => home(user).map(|home| home.join(folder)),
        None if folder.is_empty() => Ok(PathBuf::from(".")),
        None => Ok(PathBuf::from(folder)),
    }
}

/// Names in the folder that begin so, those of folders with `/`; hidden ones only when a dot was typed. Whether all of
/// the folder was looked at.
fn names(folder: &Path, begun: &str) -> Result<(BTreeSet<String>, bool), String> {
    let until = Instant::now() + LOOK;
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found = BTreeSet::new();
    for (at, entry) in entries.flatten().enumerate() {
        if at >= NAMES_MAX || Instant::now() >= until {
            return Ok((found, false));
        }
        let Ok(name) = entry.file_name().into_string() else { continue };
        // What a line cannot hold cannot be typed.
        if !name.starts_with(begun)
            || name.starts_with('.') != begun.starts_with('.')
            || name.contains(char::is_control)
        {
            continue;
        }
        let is_folder = entry.path().metadata().is_ok_and(|meta| meta.is_dir());
        found.insert(if is_folder { name + "/" } else { name });
    }
    Ok((found, true))
}

fn answer(names: &BTreeSet<String>, looked_at_all: bool, begun: &str, open: Option<char>) -> Completions {
    let Some(first) = names.first() else {
        return Completions { nothing: looked_at_all, ..Completions::default() };
    };
    let shared = names.iter().fold(first.as_str(), |shared, name| paths::shared(shared, name));
    let rest = shared.get(begun.len()..).unwrap_or_default();
    // What was not looked at may go on otherwise.
    let append = if looked_at_all { paths::quoted(rest, open) } else { String::new() };
    let names = if names.len() > 1 || !looked_at_all { names.iter().cloned().collect() } else { Vec::new() };
    let more = names.len().saturating_sub(SHOWN_MAX);
    Completions {
        append,
        more,
        cut: !looked_at_all,
        nothing: false,
        names: names.into_iter().take(SHOWN_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(typed: &str) -> Completions {
        complete(&CompletionAsk { typed: typed.to_owned() }).unwrap_or_else(|why| panic!("{typed}: {why}"))
    }

    #[test]
    fn a_path_is_completed_as_far_as_it_is_clear_and_the_rest_is_listed() {
        let folder = tempfile::tempdir().expect("temp");
        let at = folder.path().display().to_string();
        for name in ["report one.bin", "report two.bin", ".hidden", "it's", "quo\"te", "тест.bin"] {
            std::fs::write(folder.path().join(name), b"x").expect("written");
        }
        std::fs::create_dir(folder.path().join("sub dir")).expect("made");
        std::fs::write(folder.path().join("sub dir/only"), b"x").expect("written");
        for (typed, append, names) in [
            ("re", "port\\ ", &["report one.bin", "report two.bin"][..]),
            ("report\\ o", "ne.bin", &[]),
            ("report o", "ne.bin", &[]),
            ("report ", "", &["report one.bin", "report two.bin"]),
            ("report\\ ", "", &["report one.bin", "report two.bin"]),
            ("su", "b\\ dir/", &[]),
            ("sub dir/", "only", &[]),
            ("sub\\ dir/", "only", &[]),
            (".h", "idden", &[]),
            ("i", "t\\'s", &[]),
            ("т", "ест.bin", &[]),
            ("no", "", &[]),
            ("report one.bin", "", &[]),
            ("sub dir", "/", &[]),
        ] {
            let found = asked(&format!("{at}/{typed}"));
            assert_eq!(
                (found.append.as_str(), &found.names[..]),
                (append, &names.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{typed}"
            );
            assert_eq!(found.nothing, typed == "no", "{typed}");
        }
        assert_eq!(asked(&format!("\"{at}/sub")).append, " dir/");
        assert_eq!(asked(&format!("'{at}/i")).append, "t'\\''s");
        assert_eq!(asked(&format!("\"{at}/q")).append, "uo\\\"te");
        let all = asked(&format!("{at}/"));
        assert_eq!((all.append.as_str(), all.names.len(), all.more), ("", 6, 0), "{all:?}");
        assert!(
            complete(&CompletionAsk { typed: format!("{at}/nowhere/x") }).is_err_and(|why| why.contains("nowhere"))
        );
    }

    #[test]
    fn a_large_folder_is_shown_in_part() {
        let names: BTreeSet<String> = (0..500).map(|n| format!("file{n:03}")).collect();
        let all = answer(&names, true, "fi", None);
        assert_eq!((all.append.as_str(), all.names.len(), all.more), ("le", SHOWN_MAX, 300));
        let part = answer(&names, false, "fi", None);
        assert!(part.append.is_empty() && part.cut, "what was not seen may go on otherwise");
    }

    #[test]
    fn homes_are_those_of_the_users() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\nbroken\n";
        assert_eq!(home_in(users, "bob", "0"), Some(PathBuf::from("/home/bob")));
        assert_eq!(home_in(users, "", "0"), Some(PathBuf::from("/root")));
        assert_eq!((home_in(users, "nobody", "0"), home_in(users, "", "7")), (None, None));
        let told = resolve("~no-such-user/x").expect_err("nobody");
        assert!(told.contains("\"no-such-user\""), "{told}");
    }

    #[test]
    fn what_is_there_under_the_very_name_is_meant() {
        let folder = tempfile::tempdir().expect("temp");
        let at = |name: &str| folder.path().join(name);
        let typed = |name: &str| resolve(&format!("{}/{name}", folder.path().display()));
        for name in ["a\\ b", "it's", "trailing ", "\"q\""] {
            std::fs::write(at(name), b"x").expect("written");
            assert_eq!(typed(name), Ok(at(name)), "{name}");
        }
        assert_eq!(typed("a\\ c"), Ok(at("a c")));
        assert_eq!(typed("new's"), Ok(at("new's")), "a quote that is not closed is one of the name's");
        assert_eq!(typed(" x ").map(|path| path.display().to_string().ends_with("/ x")), Ok(true));
    }
}
