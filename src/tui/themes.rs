//! Finds themes, and reads them anew when their files change.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::task::JoinHandle;

use crate::console::theme::Styles;
use crate::console::theme::built_in::{self, BUILT_IN, built_in};
use crate::console::theme::depth::Depth;
use crate::console::theme::file::{Theme, ThemeError, ThemeSource};

/// Most bytes of a theme file.
const FILE_MAX: u64 = 64 * 1024;

/// The theme in use and what its files looked like when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes {
    folder: PathBuf,
    name: String,
    depth: Depth,
    ascii: bool,
    seen: Vec<(PathBuf, Option<SystemTime>)>,
}

impl Themes {
    #[must_use]
    pub fn new(folder: &Path, name: &str, depth: Depth, ascii: bool) -> Self {
        Self { folder: folder.to_owned(), name: name.to_owned(), depth, ascii, seen: Vec::new() }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same folder and terminal with another theme.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), seen: Vec::new(), ..self.clone() }
    }

    /// Reads the theme from the folder, else from what is compiled in.
    ///
    /// # Errors
    /// [`ThemeError`] naming file and line.
    pub fn load(&mut self) -> Result<Styles, ThemeError> {
        let seen = std::cell::RefCell::new(Vec::new());
        let folder = self.folder.clone();
        let theme = Theme::load(&self.name, &|name| {
            let path = folder.join(format!("{name}.toml"));
            seen.borrow_mut().push((path.clone(), modified(&path)));
            read(&path, name)
        });
        self.seen = seen.into_inner();
        theme?.styles(self.depth, self.ascii)
    }

    /// Whether a file of the theme has changed since it was read. Touches the disk.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.seen.iter().any(|(path, at)| modified(path) != *at)
    }

    /// The styles to use when nothing can be read.
    #[must_use]
    pub fn fallback(&self) -> Styles {
        built_in::fallback(self.depth, self.ascii)
    }
}

/// The theme in use, whose files are looked at beside the loop.
#[derive(Debug)]
pub struct ThemeWatch {
    themes: Themes,
    look: Option<JoinHandle<ThemeLook>>,
}

/// The theme after a look at its files, and its styles when they had changed.
type ThemeLook = (Themes, Option<Result<Styles, ThemeError>>);

impl ThemeWatch {
    /// Of a theme that was loaded.
    #[must_use]
    pub const fn new(themes: Themes) -> Self {
        Self { themes, look: None }
    }

    /// Looks in the background whether the theme's files have changed; one look at a time.
    pub fn look(&mut self) {
        if self.look.is_none() {
            let mut themes = self.themes.clone();
            self.look = Some(tokio::task::spawn_blocking(move || {
                let styles = themes.changed().then(|| themes.load());
                (themes, styles)
            }));
        }
    }

    /// The styles once a look has found a change, or why its files cannot be used; waits for ever when there is none.
    /// May be dropped.
    pub async fn changed(&mut self) -> Result<Styles, ThemeError> {
        if let Some(look) = &mut self.look {
            let seen = look.await;
            self.look = None;
            // Another theme may have been chosen while this one was looked at.
            if let Ok((themes, Some(styles))) = seen
                && themes.name() == self.themes.name()
            {
                self.themes = themes;
                return styles;
            }
        }
        std::future::pending().await
    }

    /// Takes another theme, which is looked at from now on.
    ///
    /// # Errors
    /// Why it cannot be used; the one in use stays.
    pub fn choose(&mut self, name: &str) -> Result<Styles, String> {
        let mut themes = self.themes.named(name);
        let styles = themes.load().map_err(|error| format!("{error}; the theme stays {}", self.themes.name()))?;
        self.themes = themes;
        Ok(styles)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn read(path: &Path, name: &str) -> Result<ThemeSource, String> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !plain {
        return Err(format!("{name:?} is no name of a theme: use letters, digits, - and _"));
    }
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() > FILE_MAX => return Err(format!("{} is larger than 64 KiB", path.display())),
        Ok(_) => {
            let text = std::fs::read_to_string(path);
            return text
                .map(|text| ThemeSource { file: path.display().to_string(), text })
                .map_err(|error| format!("{} cannot be read: {error}", path.display()));
        }
        Err(_) => {}
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    built_in(name).ok_or_else(|| {
        format!("there is no theme {name:?}: no file {}, and built in are {}", path.display(), known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ratatui::style::Color;

    use super::*;

    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
    }

    /// WCAG 2.2, success criterion 1.4.3.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn coloured(styles: &Styles) -> Vec<(&'static str, [u8; 3])> {
        let roles = [
            ("text", styles.text),
            ("dim", styles.dim),
            ("accent", styles.accent),
            ("good", styles.good),
            ("warning", styles.warning),
            ("bad", styles.bad),
            ("heading", styles.heading),
            ("key", styles.key),
            ("border", styles.border),
            ("highlight", styles.highlight),
        ];
        let rgb = |fg| match fg {
            Some(Color::Rgb(r, g, b)) => Some([r, g, b]),
            _ => None,
        };
        roles.into_iter().filter_map(|(name, style)| rgb(style.fg).map(|rgb| (name, rgb))).collect()
    }

    #[test]
    fn every_shipped_theme_is_readable_on_its_backgrounds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
        let mut checked = 0;
        for file in fs::read_dir(&folder).expect("themes folder") {
            let path = file.expect("entry").path();
            let name = path.file_stem().and_then(|s| s.to_str()).expect("name").to_owned();
            let read = |name: &str| read(&folder.join(format!("{name}.toml")), name);
            let theme = Theme::load(&name, &read).unwrap_or_else(|error| panic!("{error}"));
            let styles = theme.styles(Depth::True, false).unwrap_or_else(|error| panic!("{error}"));
            let backgrounds = theme.backgrounds().unwrap_or_else(|error| panic!("{error}"));
            assert!(!backgrounds.is_empty(), "{name} names no background");
            for (role, rgb) in coloured(&styles) {
                assert_eq!(
                    crate::console::theme::depth::to_256(rgb),
                    to_256_exact(rgb),
                    "{name} {role} differs at 256 colours"
                );
                for background in &backgrounds {
                    let ratio = contrast(rgb, *background);
                    assert!(ratio >= 4.5, "{name}: {role} has {ratio:.2} on {background:?}");
                    checked += 1;
                }
            }
        }
        assert!(checked >= 50, "only {checked} pairs were checked");
        assert!((contrast([0, 0, 0], [255, 255, 255]) - 21.0).abs() < 0.01);
    }

    /// Shipped colours are of the 256, so that the contrast tested is the contrast seen there too.
    fn to_256_exact(rgb: [u8; 3]) -> Color {
        let level = |v: u8| [0u8, 95, 135, 175, 215, 255].iter().position(|l| *l == v);
        if let (Some(r), Some(g), Some(b)) = (level(rgb[0]), level(rgb[1]), level(rgb[2])) {
            return Color::Indexed((16 + 36 * r + 6 * g + b) as u8);
        }
        assert!(rgb[0] == rgb[1] && rgb[1] == rgb[2] && (rgb[0] - 8).is_multiple_of(10), "{rgb:?} is not of the 256");
        Color::Indexed(232 + (rgb[0] - 8) / 10)
    }

    #[test]
    fn what_is_compiled_in_is_what_is_shipped() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
        assert_eq!(fs::read_dir(folder).expect("themes folder").count(), BUILT_IN.len());
    }

    #[test]
    fn good_and_bad_differ_in_brightness_for_colour_blind_eyes() {
        let mut themes = Themes::new(Path::new("nowhere"), "colour-blind", Depth::True, false);
        let roles = coloured(&themes.load().expect("built in"));
        let of = |name| roles.iter().find(|(n, _)| *n == name).map(|(_, rgb)| *rgb).expect("coloured");
        // The blue channel is what red-green blindness leaves.
        assert!(of("good")[2].abs_diff(of("bad")[2]) > 200);
        assert!(contrast(of("warning"), of("bad")) > 1.5);
    }

    #[test]
    fn a_changed_file_is_noticed_and_a_broken_one_told() {
        let folder = tempfile::tempdir().expect("temp");
        let file = folder.path().join("mine.toml");
        fs::write(&file, "inherits = \"default\"\n[palette]\nblue = \"#123456\"\n").expect("write");
        let mut themes = Themes::new(folder.path(), "mine", Depth::True, false);
        assert_eq!(themes.load().expect("good").accent.fg, Some(Color::Rgb(0x12, 0x34, 0x56)));
        assert!(!themes.changed());
        fs::write(&file, "inherits = \"default\"\n[palette]\nblue = \"#12345\"\n").expect("write");
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        fs::File::open(&file).and_then(|f| f.set_modified(later)).expect("mtime");
        assert!(themes.changed());
        let error = themes.load().expect_err("broken");
        assert_eq!((error.line, error.file.ends_with("mine.toml")), (3, true), "{error}");
        assert!(!themes.changed(), "a broken file is told once");
        // A file that hides a built-in theme is noticed too.
        let mut light = themes.named("light");
        light.load().expect("built in");
        fs::write(folder.path().join("light.toml"), "inherits = \"default\"").expect("write");
        assert!(light.changed());
    }

    #[test]
    fn a_name_is_no_path() {
        let mut themes = Themes::new(Path::new("themes"), "../Cargo", Depth::True, false);
        assert!(themes.load().expect_err("a path").cause.contains("no name of a theme"));
    }
}
