//! A theme file: a patch over the one it inherits from.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use super::depth::{self, ANSI, Depth};
use super::{Glyphs, Styles};

/// Why a theme cannot be used: file, line, cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("theme {file}:{line}: {cause}")]
pub struct ThemeError {
    /// Path or `<name> (built in)`.
    pub file: String,
    /// 1 is the first.
    pub line: usize,
    pub cause: String,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Raw {
    inherits: Option<Spanned<String>>,
    backgrounds: Option<Vec<Spanned<String>>>,
    palette: BTreeMap<String, Spanned<RawColour>>,
    roles: BTreeMap<Spanned<PaintRole>, RawStyle>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawColour {
    Plain(String),
    Both { rgb: String, ansi: String },
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawStyle {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    add: Vec<Attribute>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Attribute {
    Bold,
    Dim,
    Italic,
    Underlined,
    Reversed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PaintRole {
    Text,
    Dim,
    Accent,
    Good,
    Warning,
    Bad,
    Heading,
    Selected,
    Key,
    Border,
    Highlight,
}

/// A colour in both ways that a terminal may take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Paint {
    rgb: [u8; 3],
    ansi: Color,
}

/// One file's text with its name, for messages.
#[derive(Clone, Debug)]
pub struct ThemeSource {
    pub file: String,
    pub text: String,
}

impl ThemeSource {
    /// What the theme is: the first sentence of its first comment.
    #[must_use]
    pub fn about(&self) -> String {
        let comment = self.text.lines().find_map(|line| line.strip_prefix('#')).unwrap_or_default();
        let sentence = comment.split(". ").next().unwrap_or_default();
        sentence.trim().trim_end_matches('.').to_owned()
    }
}

/// One of the themes that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeEntry {
    pub name: String,
    pub about: String,
}

struct ParsedTheme {
    source: ThemeSource,
    raw: Raw,
}

/// A theme with all that it inherits, not yet fitted to a terminal.
pub struct Theme {
    /// The theme first, then what it inherits from, up to the root.
    chain: Vec<ParsedTheme>,
}

/// Themes may inherit this deep; more is a circle.
const CHAIN_MAX: usize = 8;

impl Theme {
    /// Reads the theme `name` and all it inherits, each through `read`.
    ///
    /// # Errors
    /// [`ThemeError`] of the first file that is missing or wrong.
    pub fn load(name: &str, read: &dyn Fn(&str) -> Result<ThemeSource, String>) -> Result<Self, ThemeError> {
        let source = read(name).map_err(|cause| ThemeError { file: name.to_owned(), line: 1, cause })?;
        let mut chain = vec![parse(source)?];
        while let Some(last) = chain.last()
            && let Some(parent) = &last.raw.inherits
        {
            let fail = |cause| error_at(&last.source, parent.span().start, cause);
            if chain.len() == CHAIN_MAX {
                return Err(fail(format!("inherits from {CHAIN_MAX} themes or in a circle")));
            }
            chain.push(parse(read(parent.get_ref()).map_err(fail)?)?);
        }
        Ok(Self { chain })
    }

    /// The styles for a terminal of this depth, with glyphs or their ASCII twins.
    ///
    /// # Errors
    /// [`ThemeError`] at a colour that is unknown.
    pub fn styles(&self, depth: Depth, ascii: bool) -> Result<Styles, ThemeError> {
        let glyphs = if ascii { Glyphs::ASCII } else { Glyphs::UNICODE };
        let role = |role| self.style(role, depth);
        let ground = role(PaintRole::Text)?;
        Ok(Styles {
            ground,
            text: Style { bg: None, ..ground },
            dim: role(PaintRole::Dim)?,
            accent: role(PaintRole::Accent)?,
            good: role(PaintRole::Good)?,
            warning: role(PaintRole::Warning)?,
            bad: role(PaintRole::Bad)?,
            heading: role(PaintRole::Heading)?,
            selected: selected(role(PaintRole::Selected)?, depth),
            key: role(PaintRole::Key)?,
            border: role(PaintRole::Border)?,
            highlight: role(PaintRole::Highlight)?,
            glyphs,
        }
        .readable())
    }

    /// Terminal backgrounds that the theme is made for.
    ///
    /// # Errors
    /// [`ThemeError`] when one is not `#rrggbb`.
    pub fn backgrounds(&self) -> Result<Vec<[u8; 3]>, ThemeError> {
        let own = self.chain.iter().find_map(|part| part.raw.backgrounds.as_ref().map(|b| (part, b)));
        let Some((part, backgrounds)) = own else { return Ok(Vec::new()) };
        backgrounds.iter().map(|text| rgb_at(&part.source, text)).collect()
    }

    fn style(&self, role: PaintRole, depth: Depth) -> Result<Style, ThemeError> {
        let found = self.chain.iter().find_map(|part| {
            let style = part.raw.roles.iter().find(|(key, _)| *key.get_ref() == role);
            style.map(|(_, style)| (part, style))
        });
        let Some((part, raw)) = found else { return Ok(Style::new()) };
        let mut style = Style::new();
        if let Some(fg) = &raw.fg {
            style.fg = self.colour(part, fg, depth)?;
        }
        if let Some(bg) = &raw.bg {
            style.bg = self.colour(part, bg, depth)?;
        }
        for attribute in &raw.add {
            style = style.add_modifier(match attribute {
                Attribute::Bold => Modifier::BOLD,
                Attribute::Dim => Modifier::DIM,
                Attribute::Italic => Modifier::ITALIC,
                Attribute::Underlined => Modifier::UNDERLINED,
                Attribute::Reversed => Modifier::REVERSED,
            });
        }
        if depth == Depth::None {
            style = without_colour(role, style);
        }
        Ok(style)
    }

    fn colour(&self, part: &ParsedTheme, name: &Spanned<String>, depth: Depth) -> Result<Option<Color>, ThemeError> {
        if name.get_ref() == "reset" {
            return Ok(None);
        }
        let paint = if name.get_ref().starts_with('#') {
            let rgb = rgb_at(&part.source, name)?;
            Paint { rgb, ansi: depth::to_16(rgb) }
        } else {
            self.paint(part, name)?
        };
        Ok(match depth {
            Depth::None => None,
            Depth::Ansi8 => Some(depth::to_8(paint.ansi)),
            Depth::Ansi16 => Some(paint.ansi),
            Depth::Ansi256 => Some(depth::to_256(paint.rgb)),
            Depth::True => Some(Color::Rgb(paint.rgb[0], paint.rgb[1], paint.rgb[2])),
        })
    }

    /// A palette colour: the patch's own, else what it inherits.
    fn paint(&self, part: &ParsedTheme, name: &Spanned<String>) -> Result<Paint, ThemeError> {
        let found = self.chain.iter().find_map(|p| p.raw.palette.get(name.get_ref()).map(|colour| (&p.source, colour)));
        let Some((source, colour)) = found else {
            let known: Vec<&str> = self.chain.iter().flat_map(|p| p.raw.palette.keys().map(String::as_str)).collect();
            let cause = format!(
                "there is no colour {:?}; use \"#rrggbb\", \"reset\" or one of the palette: {}",
                name.get_ref(),
                known.join(", ")
            );
            return Err(error_at(&part.source, name.span().start, cause));
        };
        let at = |cause| error_at(source, colour.span().start, cause);
        match colour.get_ref() {
            RawColour::Plain(text) => {
                let rgb = rgb(text).map_err(at)?;
                Ok(Paint { rgb, ansi: depth::to_16(rgb) })
            }
            RawColour::Both { rgb: text, ansi } => {
                let named = ANSI.iter().find(|(name, ..)| *name == ansi);
                let names: Vec<&str> = ANSI.iter().map(|(name, ..)| *name).collect();
                let unknown = || format!("there is no ANSI colour {ansi:?}; use one of {}", names.join(", "));
                let (_, ansi, _) = named.ok_or_else(|| at(unknown()))?;
                Ok(Paint { rgb: rgb(text).map_err(at)?, ansi: *ansi })
            }
        }
    }
}

/// A background of its own where its colour is known for sure, and colours on it stay readable; else reversed.
const fn selected(style: Style, depth: Depth) -> Style {
    let known = matches!(depth, Depth::True | Depth::Ansi256);
    if known && style.bg.is_some() {
        style
    } else {
        Style::new().add_modifier(style.add_modifier.union(Modifier::REVERSED))
    }
}

/// Without colour a state shows by its glyph and word; what must stand out is bold.
fn without_colour(role: PaintRole, style: Style) -> Style {
    match role {
        PaintRole::Warning | PaintRole::Bad | PaintRole::Accent | PaintRole::Key => style.add_modifier(Modifier::BOLD),
        PaintRole::Dim | PaintRole::Border => style.add_modifier(Modifier::DIM),
        _ => style,
    }
}

fn parse(source: ThemeSource) -> Result<ParsedTheme, ThemeError> {
    match toml::from_str::<Raw>(&source.text) {
        Ok(raw) => Ok(ParsedTheme { source, raw }),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            Err(error_at(&source, at, error.message().to_owned()))
        }
    }
}

fn rgb_at(source: &ThemeSource, text: &Spanned<String>) -> Result<[u8; 3], ThemeError> {
    rgb(text.get_ref()).map_err(|cause| error_at(source, text.span().start, cause))
}

fn rgb(text: &str) -> Result<[u8; 3], String> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6);
    let number = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
    let [_, r, g, b] =
        number.ok_or_else(|| format!("{text:?} is no colour: write \"#rrggbb\" with six hex digits"))?.to_be_bytes();
    Ok([r, g, b])
}

fn error_at(source: &ThemeSource, offset: usize, cause: String) -> ThemeError {
    let before = source.text.as_bytes().iter().take(offset);
    ThemeError { file: source.file.clone(), line: 1 + before.filter(|b| **b == b'\n').count(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, files: &[(&str, &str)]) -> Result<Theme, ThemeError> {
        Theme::load(name, &|wanted| {
            let found = files.iter().find(|(name, _)| *name == wanted);
            found
                .map(|(name, text)| ThemeSource { file: format!("{name}.toml"), text: (*text).to_owned() })
                .ok_or_else(|| format!("there is no theme {wanted:?}"))
        })
    }

    const BASE: &str = "[palette]\nblue = { rgb = \"#5fafff\", ansi = \"light-blue\" }\n\
                        [roles]\naccent = { fg = \"blue\", add = [\"bold\"] }\ngood = { fg = \"#00ff00\" }\n";

    #[test]
    fn a_patch_changes_what_it_names() {
        let patch = "inherits = \"base\"\n[palette]\nblue = \"#0000ff\"\n[roles]\ngood = { fg = \"blue\" }\n";
        let theme = load("mine", &[("base", BASE), ("mine", patch)]).expect("good");
        let styles = theme.styles(Depth::True, false).expect("good");
        assert_eq!(styles.accent, Style::new().fg(Color::Rgb(0, 0, 255)).add_modifier(Modifier::BOLD));
        assert_eq!(styles.good, Style::new().fg(Color::Rgb(0, 0, 255)));
        assert_eq!(styles.bad, Style::new());
        assert!(styles.selected.add_modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn a_theme_is_described_by_its_first_comment() {
        let about = |text: &str| ThemeSource { file: String::new(), text: text.to_owned() }.about();
        assert_eq!(about("# For dark terminals. One file is one theme\ninherits = \"x\""), "For dark terminals");
        assert_eq!(about("inherits = \"x\"\n#Mine, 1.5 times as bright.\n"), "Mine, 1.5 times as bright");
        assert_eq!(about("inherits = \"x\""), "");
    }

    #[test]
    fn one_set_of_roles_has_five_renderings() {
        let theme = load("base", &[("base", BASE)]).expect("good");
        let accent = |depth| theme.styles(depth, false).expect("good").accent.fg;
        assert_eq!(accent(Depth::True), Some(Color::Rgb(0x5f, 0xaf, 0xff)));
        assert_eq!(accent(Depth::Ansi256), Some(Color::Indexed(75)));
        assert_eq!(accent(Depth::Ansi16), Some(Color::LightBlue));
        assert_eq!(accent(Depth::Ansi8), Some(Color::Blue));
        assert_eq!(accent(Depth::None), None);
        assert_eq!(theme.styles(Depth::None, true).expect("good").glyphs, Glyphs::ASCII);
    }

    #[test]
    fn a_mistake_names_file_and_line() {
        let cases = [
            ("[roles]\ngood = { fg = \"blu\" }", 2, "no colour \"blu\""),
            ("[roles]\n\ngod = {}", 3, "unknown variant"),
            ("[palette]\nx = \"#12\"\n[roles]\ngood = { fg = \"x\" }", 2, "six hex digits"),
            ("inherits = \"nobody\"", 1, "no theme \"nobody\""),
            ("colour = 1", 1, "unknown field"),
            ("inherits = \"mine\"", 1, "circle"),
            ("[roles]\ngood = {", 2, ""),
        ];
        for (text, line, cause) in cases {
            let error =
                load("mine", &[("mine", text)]).and_then(|theme| theme.styles(Depth::True, false)).expect_err(text);
            assert_eq!((error.file.as_str(), error.line), ("mine.toml", line), "{error}");
            assert!(error.cause.contains(cause), "{error}");
        }
    }
}
