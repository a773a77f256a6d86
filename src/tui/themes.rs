//! Finds themes, and reads them anew when their files change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::task::JoinHandle;

use crate::console::theme::Styles;
use crate::console::theme::built_in::{self, BUILT_IN, built_in};
use crate::console::theme::depth::Depth;
use crate::console::theme::file::{Theme, ThemeEntry, ThemeError, ThemeSource};

/// Most bytes of a theme file.
const FILE_MAX: u64 = 64 * 1024;
/// Names that are taken from the folder.
const NAMES_MAX: usize = 200;

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

    /// The themes that there are: those of the folder, and what is compiled in. Touches the disk.
    #[must_use]
    pub fn all(&self) -> Vec<ThemeEntry> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let named = files.filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            name.strip_suffix(".toml").filter(|name| is_name(name)).map(str::to_owned)
        });
        let built_in = BUILT_IN.iter().map(|(name, _)| (*name).to_owned());
        let names: BTreeSet<String> = built_in.chain(named.take(NAMES_MAX)).collect();
        let about = |name: &str| read(&self.folder.join(format!("{name}.toml")), name).map(|source| source.about());
        names.into_iter().map(|name| ThemeEntry { about: about(&name).unwrap_or_else(|why| why), name }).collect()
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
    all: Option<JoinHandle<Vec<ThemeEntry>>>,
}

/// What has been found out beside the loop.
#[derive(Debug)]
pub enum ThemeNews {
    /// The theme's files have changed: its styles, or why they cannot be used.
    Styles(Result<Box<Styles>, ThemeError>),
    /// All themes, which were asked for.
    All(Vec<ThemeEntry>),
}

/// The theme after a look at its files, and its styles when they had changed.
type ThemeLook = (Themes, Option<Result<Styles, ThemeError>>);

impl ThemeWatch {
    /// Of a theme that was loaded.
    #[must_use]
    pub const fn new(themes: Themes) -> Self {
        Self { themes, look: None, all: None }
    }

    /// The theme in use.
    #[must_use]
    pub fn name(&self) -> &str {
        self.themes.name()
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

    /// Reads in the background what themes there are.
    pub fn list(&mut self) {
        let themes = self.themes.clone();
        self.all = Some(tokio::task::spawn_blocking(move || themes.all()));
    }

    /// The styles once a look has found a change, or why its files cannot be used; the themes that were asked for. Waits
    /// for ever when there is nothing. May be dropped.
    pub async fn changed(&mut self) -> ThemeNews {
        loop {
            tokio::select! {
                all = finished(&mut self.all), if self.all.is_some() => {
                    self.all = None;
                    if let Some(all) = all {
                        return ThemeNews::All(all);
                    }
                }
                seen = finished(&mut self.look), if self.look.is_some() => {
                    self.look = None;
                    // Another theme may have been chosen while this one was looked at.
                    if let Some((themes, Some(styles))) = seen
                        && themes.name() == self.themes.name()
                    {
                        self.themes = themes;
                        return ThemeNews::Styles(styles.map(Box::new));
                    }
                }
                else => std::future::pending().await,
            }
        }
    }

    /// How the theme of this name looks, or the one in use again; that one stays the one in use.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn look_of(&self, name: Option<&str>) -> Result<Styles, String> {
        let mut themes = name.map_or_else(|| self.themes.clone(), |name| self.themes.named(name));
        themes.load().map_err(|error| error.to_string())
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

    /// Takes other glyphs, ASCII or not, for this theme and those after it.
    ///
    /// # Errors
    /// Why the theme cannot be read again; all stays as it is.
    pub fn draw_with(&mut self, ascii: bool) -> Result<Styles, String> {
        let mut themes = Themes { ascii, ..self.themes.clone() };
        let styles = themes.load().map_err(|error| format!("{error}; the glyphs stay as they are"))?;
        self.themes = themes;
        Ok(styles)
    }
}

/// What a thread beside the loop has brought; `None` when there is none, or it has failed.
async fn finished<T>(work: &mut Option<JoinHandle<T>>) -> Option<T> {
    work.as_mut()?.await.ok()
}

/// Letters, digits, `-` and `_`: a name is no path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn read(path: &Path, name: &str) -> Result<ThemeSource, String> {
    if !is_name(name) {
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

    #[test]
    fn what_is_compiled_in_is_what_is_shipped() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
        assert_eq!(fs::read_dir(folder).expect("themes folder").count(), BUILT_IN.len());
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

    #[tokio::test]
    async fn themes_are_listed_and_tried_without_being_chosen() {
        let folder = tempfile::tempdir().expect("temp");
        for (name, text) in [("mine.toml", "inherits = \"default\""), ("notes.txt", ""), ("..toml", "")] {
            fs::write(folder.path().join(name), text).expect("write");
        }
        let mut watch = ThemeWatch::new(Themes::new(folder.path(), "light", Depth::True, false));
        watch.list();
        let ThemeNews::All(all) = watch.changed().await else { panic!("they were asked for") };
        assert_eq!(all.len(), BUILT_IN.len() + 1);
        let about = |name: &str| all.iter().find(|theme| theme.name == name).map(|theme| theme.about.as_str());
        assert_eq!((about("mine"), about("default")), (Some(""), Some("The default theme, for dark terminals")));
        assert!(about("gruvbox-dark").is_some() && about("notes").is_none(), "{all:?}");
        let light = watch.look_of(None).expect("built in");
        assert_ne!(watch.look_of(Some("default")).expect("built in"), light);
        assert!(watch.look_of(Some("nobody")).is_err());
        assert_eq!((watch.look_of(None), watch.themes.name()), (Ok(light), "light"), "it is still the one in use");
    }

    #[test]
    fn a_name_is_no_path() {
        let mut themes = Themes::new(Path::new("themes"), "../Cargo", Depth::True, false);
        assert!(themes.load().expect_err("a path").cause.contains("no name of a theme"));
    }
}
