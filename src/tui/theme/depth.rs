//! How many colours the terminal has, and how a colour looks with fewer.

use ratatui::style::Color;

/// What the terminal can paint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// `NO_COLOR`: bold, underline and reverse only.
    None,
    Ansi16,
    Ansi256,
    True,
}

impl Depth {
    /// Goes by `NO_COLOR`, `COLORTERM` and `TERM`: true colour only when the terminal says so.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        if set("NO_COLOR").is_some() || term == "dumb" {
            Self::None
        } else if set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit") || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256") || ["xterm-kitty", "alacritty", "foot", "xterm-ghostty"].contains(&&*term) {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// Whether the locale prints more than ASCII, by `LC_ALL`, `LC_CTYPE` and `LANG`, first set wins.
pub fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    set.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Whether `COLORFGBG` says that the background is light: `0;15`.
pub fn background_is_light(variable: impl Fn(&str) -> Option<String>) -> bool {
    let background = variable("COLORFGBG").and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok());
    background.is_some_and(|colour| colour == 7 || colour == 15)
}

/// The nearest of the 6x6x6 cube and the 24 greys; the first 16 differ between terminals.
#[must_use]
pub fn to_256(rgb: [u8; 3]) -> Color {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| (0..6usize).min_by_key(|i| LEVELS[*i].abs_diff(value)).unwrap_or(0);
    let cube = rgb.map(nearest);
    let grey = (0..24u8).min_by_key(|i| distance(rgb, [8 + 10 * i; 3])).unwrap_or(0);
    if distance(rgb, [8 + 10 * grey; 3]) < distance(rgb, cube.map(|i| LEVELS[i])) {
        Color::Indexed(232 + grey)
    } else {
        Color::Indexed((16 + 36 * cube[0] + 6 * cube[1] + cube[2]) as u8)
    }
}

/// The nearest of the sixteen, taken with the values of xterm.
#[must_use]
pub fn to_16(rgb: [u8; 3]) -> Color {
    ANSI.iter().min_by_key(|(_, _, value)| distance(rgb, *value)).map_or(Color::Reset, |(_, color, _)| *color)
}

/// Names of the sixteen in theme files.
pub const ANSI: [(&str, Color, [u8; 3]); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("gray", Color::Gray, [229, 229, 229]),
    ("dark-gray", Color::DarkGray, [127, 127, 127]),
    ("light-red", Color::LightRed, [255, 0, 0]),
    ("light-green", Color::LightGreen, [0, 255, 0]),
    ("light-yellow", Color::LightYellow, [255, 255, 0]),
    ("light-blue", Color::LightBlue, [92, 92, 255]),
    ("light-magenta", Color::LightMagenta, [255, 0, 255]),
    ("light-cyan", Color::LightCyan, [0, 255, 255]),
    ("white", Color::White, [255, 255, 255]),
];

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(variables: &[(&str, &str)]) -> Depth {
        Depth::detect(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn true_colour_only_when_the_terminal_says_so() {
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Ansi256);
        assert_eq!(depth(&[("TERM", "xterm")]), Depth::Ansi16);
        assert_eq!(depth(&[]), Depth::Ansi16);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::None);
        assert_eq!(depth(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(depth(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]), Depth::True, "an empty NO_COLOR is unset");
    }

    #[test]
    fn locale_and_background_are_read() {
        let with = |name: &'static str, value: &'static str| move |v: &str| (v == name).then(|| value.to_owned());
        assert!(locale_is_utf8(with("LANG", "C.UTF-8")) && locale_is_utf8(with("LC_ALL", "de_DE.utf8")));
        assert!(!locale_is_utf8(with("LANG", "C")) && !locale_is_utf8(|_| None));
        assert!(
            background_is_light(with("COLORFGBG", "0;15")) && background_is_light(with("COLORFGBG", "0;default;7"))
        );
        assert!(!background_is_light(with("COLORFGBG", "15;0")) && !background_is_light(|_| None));
    }

    #[test]
    fn colours_have_neighbours() {
        assert_eq!(to_256([0x5f, 0xaf, 0xff]), Color::Indexed(75));
        assert_eq!(to_256([0x9e, 0x9e, 0x9e]), Color::Indexed(247));
        assert_eq!(to_16([250, 10, 10]), Color::LightRed);
    }
}
