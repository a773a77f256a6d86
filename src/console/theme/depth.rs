//! How many colours a screen has, and how a colour looks with fewer.

use ratatui::style::Color;

/// What a screen can paint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Bold, underline and reverse only.
    None,
    Ansi8,
    Ansi16,
    Ansi256,
    True,
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

/// One of the eight that every terminal with colours has: the dark twin of a bright one.
#[must_use]
pub const fn to_8(colour: Color) -> Color {
    match colour {
        Color::DarkGray => Color::Black,
        Color::LightRed => Color::Red,
        Color::LightGreen => Color::Green,
        Color::LightYellow => Color::Yellow,
        Color::LightBlue => Color::Blue,
        Color::LightMagenta => Color::Magenta,
        Color::LightCyan => Color::Cyan,
        Color::White => Color::Gray,
        other => other,
    }
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

/// What a terminal shows: exactly for the cube and the greys, as xterm has them for the sixteen. `None` for its own.
#[must_use]
pub fn seen(colour: Color) -> Option<[u8; 3]> {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(n @ 232..) => Some([8 + 10 * (n - 232); 3]),
        Color::Indexed(n @ 16..) => {
            Some([(n - 16) / 36, (n - 16) / 6 % 6, (n - 16) % 6].map(|i| LEVELS[usize::from(i)]))
        }
        named => ANSI.iter().find(|(_, ansi, _)| *ansi == named).map(|(.., rgb)| *rgb),
    }
}

/// How far two colours are apart in brightness, from 1 to 21: WCAG 2.2, success criterion 1.4.3.
#[must_use]
pub fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    let [r, g, b] = rgb.map(linear);
    r.mul_add(0.2126, g.mul_add(0.7152, b * 0.0722))
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_have_neighbours() {
        assert_eq!(to_256([0x5f, 0xaf, 0xff]), Color::Indexed(75));
        assert_eq!(to_256([0x9e, 0x9e, 0x9e]), Color::Indexed(247));
        assert_eq!(to_16([250, 10, 10]), Color::LightRed);
        assert!(
            ANSI[..8]
                .iter()
                .zip(&ANSI[8..])
                .all(|((_, dark, _), (_, bright, _))| *bright != to_8(*bright) && to_8(*dark) == *dark)
        );
    }
}
