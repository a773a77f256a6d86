//! Roles of colour and glyph; every style on screen comes from here.

pub mod built_in;
pub mod depth;
pub mod file;

#[cfg(test)]
mod tests;

use ratatui::style::{Modifier, Style};

/// Styles by role. A theme that paints no background leaves the terminal's own, light or dark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Styles {
    /// What every cell has before anything is drawn into it: the text's colour and the background.
    pub ground: Style,
    pub text: Style,
    pub dim: Style,
    pub accent: Style,
    pub good: Style,
    pub warning: Style,
    pub bad: Style,
    /// Headings of tables and panels.
    pub heading: Style,
    /// The selected row, over its whole width: a background where there is colour, else `REVERSED`. A `>` stands before it.
    pub selected: Style,
    /// The key letters of the footer and help.
    pub key: Style,
    pub border: Style,
    /// Substrings that a search found.
    pub highlight: Style,
    pub glyphs: Glyphs,
}

/// Least contrast of a text on the selected row.
const CONTRAST_LEAST: f64 = 3.0;

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
    /// Full cell, and seven eighths down to one eighth, for bars. None is as high as its row, so that the bars of two rows
    /// that follow each other stay two.
    pub bar: [&'static str; 8],
    pub bar_empty: &'static str,
    pub bar_partly: &'static str,
    /// Before a row that holds others: shut and open.
    pub folded: &'static str,
    pub open: &'static str,
    /// Pieces of a line that goes to the right: flat, from the left and up, from the left and down, from below and to the
    /// right, from above and to the right, upright.
    pub steps: [&'static str; 6],
    pub arrow: &'static str,
    pub trigger: &'static str,
    pub ellipsis: &'static str,
    pub horizontal: &'static str,
    pub vertical: &'static str,
    pub corners: [&'static str; 4],
    /// The server that leads.
    pub leader: &'static str,
    /// Beside the title of the column that a table is sorted by.
    pub ascending: &'static str,
    pub descending: &'static str,
}

impl Glyphs {
    pub const UNICODE: Self = Self {
        good: "●",
        warning: "◐",
        risk: "▲",
        bad: "✖",
        unknown: "○",
        spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        bar: ["▇", "▇", "▇", "▖", "▖", "▖", "▖", "▖"],
        bar_empty: "░",
        bar_partly: "▒",
        folded: "▸",
        open: "▾",
        steps: ["─", "╯", "╮", "╭", "╰", "│"],
        arrow: "→",
        trigger: "┆",
        ellipsis: "…",
        horizontal: "─",
        vertical: "│",
        corners: ["┌", "┐", "└", "┘"],
        leader: "♛",
        ascending: "▲",
        descending: "▼",
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
        bar_partly: "=",
        folded: ">",
        open: "v",
        steps: ["-", "+", "+", "+", "+", "|"],
        arrow: "->",
        trigger: ":",
        ellipsis: "~",
        horizontal: "-",
        vertical: "|",
        corners: ["+", "+", "+", "+"],
        leader: "L",
        ascending: "^",
        descending: "v",
    };
}

impl Styles {
    /// What a whole row has: [`crate::console::widgets::paint::line`] fills the row with its line's style.
    #[must_use]
    pub const fn row(&self, selected: bool) -> Style {
        if selected { self.selected } else { Style::new() }
    }

    /// A piece of a row: it keeps its colour on the selected row. Reversed, its colour would be its background, and the
    /// row would be no single bar.
    #[must_use]
    pub const fn in_row(&self, selected: bool, style: Style) -> Style {
        if !selected {
            return style;
        }
        let kept = style.add_modifier.difference(Modifier::DIM);
        let mut piece = self.selected.add_modifier(kept);
        if !self.selected.add_modifier.contains(Modifier::REVERSED) && style.fg.is_some() {
            piece.fg = style.fg;
        }
        piece
    }

    /// Styles of text, each of which may stand on the selected row.
    #[must_use]
    pub const fn in_text(&self) -> [Style; 10] {
        let Self { text, dim, accent, good, warning, bad, heading, key, border, highlight, .. } = self;
        [*text, *dim, *accent, *good, *warning, *bad, *heading, *key, *border, *highlight]
    }

    /// Without a background for the selected row when a text could not be read on it.
    #[must_use]
    fn readable(mut self) -> Self {
        let Some(background) = self.selected.bg.and_then(depth::seen) else { return self };
        let unreadable = |style: Style| {
            let colour = style.fg.or(self.selected.fg).and_then(depth::seen);
            colour.is_some_and(|colour| depth::contrast(colour, background) < CONTRAST_LEAST)
        };
        if self.in_text().into_iter().any(unreadable) {
            self.selected = Style::new().add_modifier(self.selected.add_modifier.union(Modifier::REVERSED));
        }
        self
    }

    /// No colour at all: state by glyph, word, bold and reverse.
    #[must_use]
    pub fn plain() -> Self {
        let base = Style::new();
        Self {
            ground: base,
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
