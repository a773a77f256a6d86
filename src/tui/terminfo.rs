//! Whether a console can be drawn on the terminal that `TERM` names: its cursor must be movable by ECMA-48's `CSI H`.

use std::path::{Path, PathBuf};

use super::exit::TuiError;

/// Beginnings of names of terminals that are known to have it, for machines that do not know the name: a terminal's own
/// entry often lies only where the terminal is, and not on the host that it is connected to.
const FAMILIES: [&str; 38] = [
    "alacritty",
    "ansi",
    "aterm",
    "contour",
    "cygwin",
    "eterm",
    "foot",
    "ghostty",
    "gnome",
    "hterm",
    "hyper",
    "iterm",
    "kitty",
    "konsole",
    "linux",
    "mintty",
    "mlterm",
    "ms-terminal",
    "nsterm",
    "pcansi",
    "putty",
    "rio",
    "rxvt",
    "screen",
    "st-",
    "sun",
    "teraterm",
    "terminator",
    "terminology",
    "tmux",
    "vscode",
    "vt1",
    "vt2",
    "vt3",
    "vt4",
    "vte",
    "wezterm",
    "xterm",
];

/// Whether the terminal can be drawn on, by its name and what this machine knows of it.
///
/// # Errors
/// [`TuiError::NotDrawable`], naming the cause.
pub(super) fn check(variable: impl Fn(&str) -> Option<String>) -> Result<(), TuiError> {
    let refused = |cause: String| Err(TuiError::NotDrawable { cause });
    let Some(name) = variable("TERM").filter(|name| !name.is_empty()) else {
        return refused("TERM is not set, so nothing is known of this terminal".to_owned());
    };
    match entry(&name, &folders(variable)).as_deref().map(moves_the_cursor) {
        Some(true) => Ok(()),
        None if is_of_a_family(&name) => Ok(()),
        Some(false) => refused(format!("TERM={name} names a terminal whose cursor cannot be moved")),
        None => refused(format!("TERM={name} names a terminal that is not known here")),
    }
}

fn is_of_a_family(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "st" || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Where terminals are described, by terminfo(5).
fn folders(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let own = set("TERMINFO").map(PathBuf::from);
    let home = set("HOME").map(|home| Path::new(&home).join(".terminfo"));
    let list = set("TERMINFO_DIRS").unwrap_or_default();
    let list: Vec<PathBuf> = list.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from).collect();
    let system =
        ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo", "/usr/local/share/terminfo"];
    own.into_iter().chain(home).chain(list).chain(system.map(PathBuf::from)).collect()
}

/// What is written of the terminal: under its first letter, or where names do not differ by case under that letter's
/// number.
fn entry(name: &str, folders: &[PathBuf]) -> Option<Vec<u8>> {
    let first = name.chars().next().filter(|_| !name.contains('/') && !name.starts_with('.'))?;
    let below = [first.to_string(), format!("{:x}", u32::from(first))];
    let files = folders.iter().flat_map(|folder| below.iter().map(move |letter| folder.join(letter).join(name)));
    files.into_iter().find_map(|file| std::fs::read(file).ok())
}

/// `cup`, the eleventh string of term(5), begins as ECMA-48 has it.
fn moves_the_cursor(entry: &[u8]) -> bool {
    const CUP: usize = 10;
    let short = |at: usize| Some(usize::from(u16::from_le_bytes([*entry.get(at)?, *entry.get(at + 1)?])));
    let cup = || {
        let number = match short(0)? {
            0o432 => 2,
            0o1036 => 4,
            _ => return None,
        };
        let (names, flags, numbers, strings) = (short(2)?, short(4)?, short(6)?, short(8)?);
        // Numbers begin at an even place.
        let offsets = (12 + names + flags).next_multiple_of(2) + numbers * number;
        let text = short(offsets + 2 * CUP).filter(|at| CUP < strings && *at < 0x8000)?;
        entry.get(offsets + 2 * strings + text..)
    };
    cup().is_some_and(|cup| cup.starts_with(b"\x1b["))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry with these strings.
    fn described(number: u16, strings: &[Option<&str>]) -> Vec<u8> {
        let (names, mut table, mut offsets) = ("x|a terminal\0", Vec::new(), Vec::new());
        for text in strings {
            offsets.extend(text.map_or(0xffff, |_| table.len() as u16).to_le_bytes());
            table.extend(text.iter().flat_map(|text| text.bytes().chain([0])));
        }
        let sizes = [number, names.len() as u16, 2, 1, strings.len() as u16, table.len() as u16];
        let mut all: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        all.extend(names.bytes().chain([1, 0]));
        all.resize(all.len().next_multiple_of(2), 0);
        all.extend(vec![7; if number == 0o432 { 2 } else { 4 }]);
        all.extend(offsets.into_iter().chain(table));
        all
    }

    #[test]
    fn a_terminal_is_drawn_on_when_its_cursor_can_be_moved() {
        let mut strings = vec![None; 12];
        strings[1] = Some("\x07");
        for (cup, moves) in [(Some("\x1b[%i%p1%d;%p2%dH"), true), (Some("\x1bY%p1%' '%+%c"), false), (None, false)] {
            strings[10] = cup;
            assert_eq!(moves_the_cursor(&described(0o432, &strings)), moves, "{cup:?}");
            assert_eq!(moves_the_cursor(&described(0o1036, &strings)), moves, "{cup:?}");
        }
        strings.truncate(9);
        assert!(
            !moves_the_cursor(&described(0o432, &strings)) && !moves_the_cursor(b"") && !moves_the_cursor(b"\x1a\x01")
        );
    }

    #[test]
    fn what_is_not_known_here_is_judged_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut strings = vec![None; 11];
        std::fs::create_dir_all(folder.path().join("z")).unwrap();
        std::fs::write(folder.path().join("z/zdumb"), described(0o432, &strings)).unwrap();
        strings[10] = Some("\x1b[H");
        std::fs::write(folder.path().join("z/zgood"), described(0o432, &strings)).unwrap();
        let checked = |name: &str| {
            let terminfo = folder.path().display().to_string();
            check(|variable| match variable {
                "TERM" => Some(name.to_owned()),
                "TERMINFO" => Some(terminfo.clone()),
                _ => None,
            })
            .map_err(|error| error.to_string())
        };
        for good in ["zgood", "xterm-ghostty-of-next-year", "alacritty", "foot-extra", "st", "Eterm-color"] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
        for (bad, cause) in [
            ("zdumb", "TERM=zdumb names a terminal whose cursor cannot be moved"),
            ("nonsense", "TERM=nonsense names a terminal that is not known here"),
            ("unknown", "TERM=unknown names"),
            ("dumb", "TERM=dumb names"),
            ("../z/zgood", "not known here"),
            ("", "TERM is not set"),
        ] {
            let told = checked(bad).unwrap_err();
            assert!(told.contains(cause) && told.contains("--daemon") && told.contains("zkdeck logs"), "{told}");
        }
    }
}
