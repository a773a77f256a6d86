//! Settings of the console, the `[tui]` table of `zkdeck.toml`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::console::config::ConsoleConfig;
use crate::console::keymap::Rebinding;
use crate::console::own::GlyphSet;

/// How the console looks and listens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TuiConfig {
    /// Name of a theme; `None` takes `light` on a terminal that says it is light, else `default`.
    pub theme: Option<String>,
    /// Folder whose `<name>.toml` come before the themes that are compiled in.
    pub themes_dir: PathBuf,
    /// What is drawn with.
    pub glyphs: GlyphSet,
    /// Name of an action to its keys; an empty list unbinds it.
    pub keys: Rebinding,
    /// Whether clicks and the wheel come to the console at its start.
    pub mouse: bool,
    /// Set from `--read-only`: what changes things is hidden and refused.
    #[serde(skip)]
    pub read_only: bool,
    /// Whether servers may be controlled from here; without it no key is bound to that.
    #[serde(skip)]
    pub controls: bool,
    /// The engine is another process's, which goes on when the console is left.
    #[serde(skip)]
    pub attached: bool,
    /// Who runs the program, for history.
    #[serde(skip)]
    pub user: String,
    /// File of the settings, `zkdeck.toml`.
    #[serde(skip)]
    pub settings: PathBuf,
    /// Folder of saved searches, and of lines that were typed.
    #[serde(skip)]
    pub kept: PathBuf,
}

impl Default for TuiConfig {
    fn default() -> Self {
        Self {
            theme: None,
            themes_dir: PathBuf::from("themes"),
            glyphs: GlyphSet::Auto,
            keys: Rebinding::new(),
            mouse: true,
            read_only: false,
            controls: true,
            attached: false,
            user: String::new(),
            settings: PathBuf::from("zkdeck.toml"),
            kept: PathBuf::from("data"),
        }
    }
}

impl TuiConfig {
    /// What of it is the console's own.
    #[must_use]
    pub fn console(&self) -> ConsoleConfig {
        let Self { mouse, read_only, controls, attached, .. } = *self;
        ConsoleConfig { keys: self.keys.clone(), mouse, read_only, controls, attached }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_the_default_and_a_typing_error_is_told() {
        assert_eq!(toml::from_str::<TuiConfig>("").expect("empty"), TuiConfig::default());
        let own: TuiConfig = toml::from_str("theme = \"light\"\n[keys]\ndrain = [\"F2\"]\n").expect("good");
        assert_eq!(own.theme.as_deref(), Some("light"));
        assert_eq!(own.keys["drain"], ["F2"]);
        let error = toml::from_str::<TuiConfig>("teme = 1").expect_err("unknown").to_string();
        assert!(error.contains("teme"), "{error}");
    }
}
