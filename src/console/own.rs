//! The settings of the console itself, as far as they were changed while it runs.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a glyph may be drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GlyphSet {
    /// By the locale.
    Auto,
    Unicode,
    Ascii,
}

impl GlyphSet {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Unicode, Self::Ascii];

    /// As `zkdeck.toml` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Unicode => "unicode",
            Self::Ascii => "ascii",
        }
    }
}

/// Names in `zkdeck.toml`.
pub const THEME: &str = "console.theme";
pub const MOUSE: &str = "console.mouse";
pub const GLYPHS: &str = "console.glyphs";

/// Those that were changed since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnSettings {
    pub theme: Option<String>,
    pub mouse: Option<bool>,
    pub glyphs: Option<GlyphSet>,
    /// What was written into `zkdeck.toml` since: name and value.
    pub saved: BTreeMap<String, String>,
}

impl OwnSettings {
    /// Each with its value as `zkdeck.toml` writes it.
    #[must_use]
    pub fn changed(&self) -> Vec<(&'static str, String)> {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        [
            (THEME, self.theme.as_deref().map(text)),
            (MOUSE, self.mouse.map(|on| on.to_string())),
            (GLYPHS, self.glyphs.map(|glyphs| text(glyphs.word()))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}
