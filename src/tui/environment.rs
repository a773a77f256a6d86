//! What the environment tells of the terminal.

use crate::console::theme::depth::Depth;

/// Terminals without colours, and such that have eight and no more.
const NONE: [&str; 6] = ["dumb", "vt100", "vt102", "vt220", "vt320", "xterm-mono"];
const EIGHT: [&str; 6] = ["linux", "screen", "ansi", "cygwin", "xterm-color", "xterm-8color"];

/// How many colours the terminal has, by `NO_COLOR`, `COLORTERM` and `TERM`: true colour only when the terminal says so.
pub(super) fn depth(variable: impl Fn(&str) -> Option<String>) -> Depth {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    if set("NO_COLOR").is_some() || NONE.contains(&&*term) {
        Depth::None
    } else if set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit") || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256") || ["xterm-kitty", "alacritty", "foot", "xterm-ghostty"].contains(&&*term) {
        Depth::Ansi256
    } else if EIGHT.contains(&&*term) {
        Depth::Ansi8
    } else {
        Depth::Ansi16
    }
}

/// Whether the terminal is at the other end of an SSH connection.
pub(super) fn over_ssh(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["SSH_TTY", "SSH_CONNECTION"].into_iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()))
}

/// Whether the locale prints more than ASCII, by `LC_ALL`, `LC_CTYPE` and `LANG`, first set wins.
pub(super) fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    set.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Whether GNU screen stands between: while the mouse is taken it keeps an Esc back until the next key.
pub(super) fn in_gnu_screen(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("STY").is_some_and(|value| !value.is_empty())
}

/// Terminals that print what they do not know, or take it for something else.
const SIMPLE: [&str; 8] = ["linux", "screen", "dumb", "vt", "ansi", "cygwin", "sun", "eterm"];

/// Whether the terminal may be asked for its background: one that knows the question answers, another that swallows what
/// it does not know says nothing. GNU screen does neither; tmux, which may have its name, answers itself.
pub(super) fn may_be_asked(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let simple = set("TERM").is_none_or(|term| SIMPLE.iter().any(|name| term.starts_with(name)));
    !in_gnu_screen(&variable) && (!simple || set("TMUX").is_some())
}

/// Whether `COLORFGBG` says that the background is light: `0;15`.
pub(super) fn background_is_light(variable: impl Fn(&str) -> Option<String>) -> bool {
    let background = variable("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
    background.is_some_and(|colour| colour == 7 || colour == 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Depth {
        depth(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn true_colour_only_when_the_terminal_says_so() {
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(with(&[("TERM", "xterm-256color")]), Depth::Ansi256);
        assert_eq!(with(&[("TERM", "xterm")]), Depth::Ansi16);
        assert_eq!(with(&[]), Depth::Ansi16);
        for (term, depth) in [
            ("linux", Depth::Ansi8),
            ("screen", Depth::Ansi8),
            ("screen-256color", Depth::Ansi256),
            ("vt100", Depth::None),
            ("dumb", Depth::None),
        ] {
            assert_eq!(with(&[("TERM", term)]), depth, "{term}");
        }
        assert_eq!(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]), Depth::True, "an empty NO_COLOR is unset");
    }

    #[test]
    fn only_a_terminal_that_takes_the_question_is_asked_for_its_background() {
        let asked = |set: &[(&str, &str)]| {
            may_be_asked(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        for term in ["xterm-256color", "xterm-kitty", "alacritty", "tmux-256color", "foot", "rxvt-unicode"] {
            assert!(asked(&[("TERM", term)]), "{term}");
        }
        for term in
            ["", "linux", "linux-16color", "screen", "screen-256color", "screen.xterm-256color", "dumb", "vt100"]
        {
            assert!(!asked(&[("TERM", term)]), "{term}");
        }
        assert!(asked(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")]), "tmux by its old name");
        assert!(!asked(&[("TERM", "xterm-256color"), ("STY", "1234.pts-0.host")]), "screen by another name");
        assert!(!asked(&[]));
    }

    #[test]
    fn locale_and_background_are_read() {
        let set = |name: &'static str, value: &'static str| move |v: &str| (v == name).then(|| value.to_owned());
        assert!(locale_is_utf8(set("LANG", "C.UTF-8")) && locale_is_utf8(set("LC_ALL", "de_DE.utf8")));
        assert!(!locale_is_utf8(set("LANG", "C")) && !locale_is_utf8(|_| None));
        assert!(background_is_light(set("COLORFGBG", "0;15")) && background_is_light(set("COLORFGBG", "0;default;7")));
        assert!(!background_is_light(set("COLORFGBG", "15;0")) && !background_is_light(|_| None));
    }
}
