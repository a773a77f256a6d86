//! Themes that are compiled in.

use super::Styles;
use super::depth::Depth;
use super::file::{Theme, ThemeSource};

/// Name and text of each; the first is what is used when nothing else can be.
pub const BUILT_IN: [(&str, &str); 6] = [
    ("default", include_str!("../../../themes/default.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
    ("catppuccin-mocha", include_str!("../../../themes/catppuccin-mocha.toml")),
    ("gruvbox-dark", include_str!("../../../themes/gruvbox-dark.toml")),
];

/// The text of a theme that is compiled in.
#[must_use]
pub fn built_in(name: &str) -> Option<ThemeSource> {
    let found = BUILT_IN.iter().find(|(known, _)| *known == name);
    found.map(|(name, text)| ThemeSource { file: format!("{name} (built in)"), text: (*text).to_owned() })
}

/// The styles to use when nothing can be read.
#[must_use]
pub fn fallback(depth: Depth, ascii: bool) -> Styles {
    let read = |name: &str| built_in(name).ok_or_else(|| format!("there is no theme {name:?}"));
    let styles = Theme::load(BUILT_IN[0].0, &read).and_then(|theme| theme.styles(depth, ascii));
    styles.unwrap_or_else(|_| Styles::plain())
}
