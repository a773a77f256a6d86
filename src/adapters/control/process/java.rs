//! Finding a Java runtime that is new enough.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::error::LocalError;
use super::search::Search;

/// Oldest Java that will do.
pub const JAVA_MAJOR_MIN: u32 = 17;
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// The `java` to run: the one that was asked for, else that of `JAVA_HOME`, else the first on `PATH`.
/// One that was named and cannot be used is an error, not a reason to take another.
pub(super) fn find(search: &Search) -> Result<PathBuf, LocalError> {
    let path = locate(search)?;
    match major(&path) {
        Some(major) if major >= JAVA_MAJOR_MIN => Ok(path),
        Some(major) => Err(problem(format!("{} is Java {major}", path.display()))),
        None => Err(problem(format!("{} does not tell its version", path.display()))),
    }
}

fn locate(search: &Search) -> Result<PathBuf, LocalError> {
    if let Some(java) = &search.java {
        return if java.is_file() { Ok(java.clone()) } else { Err(problem(format!("there is no {}", java.display()))) };
    }
    if let Some(home) = &search.java_home {
        let java = home.join("bin/java");
        let wrong = || problem(format!("JAVA_HOME is {} and holds no bin/java", home.display()));
        return if java.is_file() { Ok(java) } else { Err(wrong()) };
    }
    let folders = search.path.iter().flat_map(std::env::split_paths);
    let mut javas = folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join("java"));
    javas.find(|java| java.is_file()).ok_or_else(|| problem("there is no java on PATH".into()))
}

fn problem(what: String) -> LocalError {
    LocalError::Java { what, need: JAVA_MAJOR_MIN, command: install_command(Path::new("/")) }
}

/// What to type on this machine, by the package tool that it has.
fn install_command(root: &Path) -> String {
    let tools = [
        ("usr/bin/apt-get", "sudo apt-get install -y default-jre-headless"),
        ("usr/bin/dnf", "sudo dnf install -y java-21-openjdk-headless"),
        ("sbin/apk", "apk add openjdk17-jre-headless"),
        ("usr/bin/pacman", "sudo pacman -S jre-openjdk-headless"),
    ];
    let found = tools.iter().find(|(tool, _)| root.join(tool).exists());
    found.map_or("scripts/run", |(_, command)| command).to_owned()
}

/// The major version: from the `release` file beside the runtime, which costs nothing, else by
/// asking `java -version`.
fn major(java: &Path) -> Option<u32> {
    let real = fs::canonicalize(java).ok()?;
    let release = real.parent()?.parent()?.join("release");
    let told = fs::read_to_string(release).ok().and_then(|text| parse_release(&text));
    told.or_else(|| parse_version(&ask_version(java)?))
}

fn parse_release(text: &str) -> Option<u32> {
    let value = text.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    parse_number(value.trim().trim_matches('"'))
}

/// `openjdk version "17.0.15" 2025-04-15`, after any `Picked up JAVA_TOOL_OPTIONS` line.
fn parse_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once(" version \"")?;
    parse_number(rest.split('"').next()?)
}

/// `17.0.15` is 17, `1.8.0_402` is 8, `21-ea` is 21.
fn parse_number(version: &str) -> Option<u32> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match parts.next()?.ok()? {
        1 => parts.next()?.ok(),
        major => Some(major),
    }
}

fn ask_version(java: &Path) -> Option<String> {
    let command =
        Command::new(java).arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = command.ok()?;
    let stderr = child.stderr.take()?;
    let (sender, told) = mpsc::sync_channel(1);
    let read = move || {
        let mut text = String::new();
        let answer = stderr.take(16 * 1024).read_to_string(&mut text).map(|_| text);
        drop(sender.send(answer.ok()));
    };
    let reader = std::thread::Builder::new().name("java-version".into()).spawn(read);
    let answer = reader.ok().and_then(|_| told.recv_timeout(VERSION_LIMIT).ok()).flatten();
    // A java that hangs is ended; one that answered has ended or is about to.
    drop(child.kill());
    drop(child.wait());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jdk(folder: &Path, version: &str) -> PathBuf {
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/java"), "").unwrap();
        fs::write(folder.join("release"), format!("IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"{version}\"\n")).unwrap();
        folder.join("bin/java")
    }

    #[test]
    fn versions_of_old_and_new_kinds_are_read() {
        for (text, major) in
            [("17.0.15", Some(17)), ("1.8.0_402", Some(8)), ("21-ea", Some(21)), ("x", None), ("", None)]
        {
            assert_eq!(parse_number(text), major, "{text:?}");
        }
        assert_eq!(parse_version("Picked up X: y\nopenjdk version \"25\" 2025-09-16\nmore"), Some(25));
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn java_home_wins_over_path_and_is_not_passed_over_when_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let on_path = jdk(&folder.path().join("a"), "17.0.1");
        let at_home = jdk(&folder.path().join("b"), "21.0.1");
        let path = Some(folder.path().join("a/bin").into_os_string());
        let mut search = Search { path, ..Search::default() };
        assert_eq!(find(&search).unwrap(), on_path);
        search.java_home = Some(folder.path().join("b"));
        assert_eq!(find(&search).unwrap(), at_home);
        search.java_home = Some(folder.path().join("gone"));
        let error = find(&search).unwrap_err().to_string();
        assert!(error.contains("JAVA_HOME") && error.contains("Type: "), "{error}");
    }

    #[test]
    fn an_old_java_and_none_are_refused_with_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let old = Search { java: Some(jdk(folder.path(), "11.0.2")), ..Search::default() };
        let error = find(&old).unwrap_err().to_string();
        assert!(error.contains("is Java 11") && error.contains("17 or newer"), "{error}");
        let error = find(&Search::default()).unwrap_err().to_string();
        assert!(error.contains("no java on PATH"), "{error}");
    }

    #[test]
    fn the_command_is_that_of_the_machines_package_tool() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(install_command(root.path()), "scripts/run");
        fs::create_dir_all(root.path().join("sbin")).unwrap();
        fs::write(root.path().join("sbin/apk"), "").unwrap();
        assert!(install_command(root.path()).starts_with("apk add"));
    }
}
