//! The file of settings, into which those are written that are to hold at the next start. What else stands in it, with
//! its comments and its order, stays.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TomlError, Value};

use super::draft::{HiddenFile, Keep};
use crate::console::place::SavedSetting;

/// Writes the settings, all or none, and says where.
pub(super) fn save(file: &Path, settings: &[SavedSetting]) -> Result<String, String> {
    let shown = file.display();
    // A link stays one: what it leads to is written.
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let text = match std::fs::read_to_string(&target) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{shown} cannot be read: {error}")),
    };
    let text = with(&text, settings).map_err(|why| format!("{shown}{why}; it stays as it is"))?;
    let (draft, mut out) = HiddenFile::open(target, Keep::Replacing).map_err(|why| format!("{shown}: {why}"))?;
    let written = out.write_all(text.as_bytes()).and_then(|()| out.sync_all());
    written.map_err(|error| format!("{shown}: {error}"))?;
    draft.name(Keep::Replacing).map_err(|why| format!("{shown}: {why}"))?;
    Ok(shown.to_string())
}

/// `:3:7: what is wrong there`, in one line: columns are counted in characters.
fn misread(text: &str, error: &TomlError) -> String {
    let at = error.span().map_or(text.len(), |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    format!(":{line}:{column}: {}", one_line(error))
}

fn one_line(error: &TomlError) -> String {
    error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

/// The text of the file with the settings in it; why not is told behind the file's name.
fn with(text: &str, settings: &[SavedSetting]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| misread(text, &error))?;
    for SavedSetting { name, value, .. } in settings {
        let (section, key) = name.split_once('.').ok_or_else(|| format!(": {name} is no setting"))?;
        let mut value: Value =
            value.parse().map_err(|error: TomlError| format!(": {name} = {value}: {}", one_line(&error)))?;
        let own = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
        let table = own.as_table_like_mut().ok_or_else(|| format!(": {section} is no section there"))?;
        // The comment behind a value stays behind it.
        if let Some(before) = table.get(key).and_then(Item::as_value) {
            *value.decor_mut() = before.decor().clone();
        }
        table.insert(key, Item::Value(value));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, value: &str) -> SavedSetting {
        SavedSetting { name: name.into(), value: value.into(), over: None }
    }

    #[test]
    fn what_else_stands_in_the_file_stays() {
        let text = "# Ours.\n[scheduler] # of the demo\nthreshold = 7 # high\n\n[api]\nlisten = \"127.0.0.1:1\"\n";
        let all = [
            setting("scheduler.threshold", "9"),
            setting("scheduler.settle", "2"),
            setting("console.theme", "\"light\""),
        ];
        let told = with(text, &all).unwrap();
        assert_eq!(
            told,
            "# Ours.\n[scheduler] # of the demo\nthreshold = 9 # high\nsettle = 2\n\n[api]\nlisten = \"127.0.0.1:1\"\n\n\
             [console]\ntheme = \"light\"\n"
        );
        assert_eq!(with(&told, &all).unwrap(), told, "once more changes nothing");
        assert_eq!(with("scheduler = { threshold = 7 }\n", &all[..1]).unwrap(), "scheduler = { threshold = 9 }\n");
    }

    #[test]
    fn a_file_that_is_amiss_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("zkdeck.toml");
        for (text, at) in [
            ("[scheduler\n", ":1:11: "),
            ("[api]\n# aé\nport = = 1\n", ":3:8: "),
            ("a = 1\na = 2\n", ":2:1: "),
            ("a = \"\"\"", ":1:8: "),
            ("scheduler = 5\n", ": scheduler is no section"),
        ] {
            std::fs::write(&file, text).unwrap();
            let why = save(&file, &[setting("scheduler.threshold", "9")]).unwrap_err();
            assert!(why.contains(&format!("zkdeck.toml{at}")) && why.contains("stays as it is"), "{why}");
            assert!(!why.contains('\n') && !why.contains("TOML parse error"), "{why:?}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_is_made_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("own.toml"), folder.path().join("zkdeck.toml"));
        save(&file, &[setting("console.mouse", "false")]).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        save(&link, &[setting("console.mouse", "true")]).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[console]\nmouse = true\n");
    }
}
