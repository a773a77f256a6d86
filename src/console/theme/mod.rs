//! Roles of colour and glyph; every style on screen comes from here.

pub mod built_in;
pub mod depth;
pub mod file;

use ratatui::style::{Modifier, Style};

/// Styles by role. Base colours are `Reset`, so that light and dark backgrounds both work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Styles {
    pub text: Style,
    pub dim: Style,
    pub accent: Style,
    pub good: Style,
    pub warning: Style,
    pub bad: Style,
    /// Headings of tables and panels.
    pub heading: Style,
    /// The selected row: always `REVERSED`, and a `>` stands before it.
    pub selected: Style,
    /// The key letters of the footer and help.
    pub key: Style,
    pub border: Style,
    /// Substrings that a search found.
    pub highlight: Style,
    pub glyphs: Glyphs,
}

/// Characters with an ASCII twin each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    pub good: &'static str,
    pub warning: &'static str,
    pub risk: &'static str,
    pub bad: &'static str,
    pub unknown: &'static str,
    /// Eight heights, lowest first.
    pub spark: [&'static str; 8],
    /// Full cell, and seven eighths down to one eighth, for bars.
    pub bar: [&'static str; 8],
    pub bar_empty: &'static str,
    pub arrow: &'static str,
    pub trigger: &'static str,
    pub ellipsis: &'static str,
    pub horizontal: &'static str,
    pub vertical: &'static str,
    pub corners: [&'static str; 4],
}

impl Glyphs {
    pub const UNICODE: Self = Self {
        good: "●",
        warning: "◐",
        risk: "▲",
        bad: "✖",
        unknown: "○",
        spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        bar: ["█", "▉", "▊", "▋", "▌", "▍", "▎", "▏"],
        bar_empty: "░",
        arrow: "→",
        trigger: "┆",
        ellipsis: "…",
        horizontal: "─",
        vertical: "│",
        corners: ["┌", "┐", "└", "┘"],
    };

    pub const ASCII: Self = Self {
        good: "*",
        warning: "~",
        risk: "!",
        bad: "x",
        unknown: "?",
        spark: ["_", ".", ".", "-", "-", "=", "=", "#"],
        bar: ["#", "#", "#", "#", "=", "=", "-", "-"],
        bar_empty: ".",
        arrow: "->",
        trigger: ":",
        ellipsis: "~",
        horizontal: "-",
        vertical: "|",
        corners: ["+", "+", "+", "+"],
    };
}

impl Styles {
    /// A piece of a row. The selected row is one bar: reversed, the colours of its pieces would be its background.
    #[must_use]
    pub const fn in_row(&self, selected: bool, style: Style) -> Style {
        if !selected {
            return style;
        }
        let kept = style.add_modifier.difference(Modifier::DIM);
        self.selected.add_modifier(kept)
    }

    /// No colour at all: state by glyph, word, bold and reverse.
    #[must_use]
    pub fn plain() -> Self {
        let base = Style::new();
        Self {
            text: base,
            dim: base.add_modifier(Modifier::DIM),
            accent: base.add_modifier(Modifier::BOLD),
            good: base,
            warning: base.add_modifier(Modifier::BOLD),
            bad: base.add_modifier(Modifier::BOLD),
            heading: base.add_modifier(Modifier::BOLD),
            selected: base.add_modifier(Modifier::REVERSED),
            key: base.add_modifier(Modifier::BOLD),
            border: base.add_modifier(Modifier::DIM),
            highlight: base.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            glyphs: Glyphs::UNICODE,
        }
    }
}
