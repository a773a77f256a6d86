use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn host(folder: &Path) -> Host {
    Host { user: "root".into(), settings: folder.join("zkdeck.toml"), kept: folder.to_owned() }
}

fn words(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test]
async fn a_file_is_read_whole_and_what_is_none_is_told() {
    let folder = tempfile::tempdir().expect("temp");
    let path = folder.path().join("mine.bin");
    std::fs::write(&path, b"bytes").expect("write");
    let host = host(folder.path());
    let mut opened = host.open(words(&path)).await.expect("there");
    let mut text = String::new();
    opened.bytes.read_to_string(&mut text).await.expect("read");
    assert_eq!((opened.name.as_str(), opened.size, text.as_str()), ("mine.bin", 5, "bytes"));
    let mut told = Vec::new();
    for path in [folder.path().join("nobody"), folder.path().to_owned(), PathBuf::from("/")] {
        told.push(host.open(words(&path)).await.err().expect("no file"));
    }
    let parts = ["No such file", "no plain file", "whose name is UTF-8"];
    assert!(told.iter().zip(parts).all(|(told, part)| told.contains(part)), "{told:?}");
}

#[tokio::test]
async fn a_new_file_is_called_as_was_said_or_lies_in_the_folder_that_was_named() {
    let folder = tempfile::tempdir().expect("temp");
    let host = host(folder.path());
    let name = || Some("../report".to_owned());
    std::fs::create_dir(folder.path().join("a folder")).expect("made");
    let at = folder.path().display();
    for (path, kept) in [
        (format!("{at}/mine"), "mine"),
        (at.to_string(), ".._report"),
        (format!("'{at}/a folder'/"), "a folder/.._report"),
        (format!("{at}/a\\ folder/x"), "a folder/x"),
        (format!("file://{at}/y%20z"), "y z"),
    ] {
        let mut draft = host.create(path, name()).await.unwrap_or_else(|why| panic!("{why}"));
        draft.write_all(b"bytes").await.expect("written");
        let kept = folder.path().join(kept);
        assert_eq!(draft.keep().await, Ok(words(&kept)));
        assert_eq!(std::fs::read(kept).expect("there"), b"bytes");
    }
    let nowhere = host.create(format!("{at}/nowhere/"), name()).await.err().expect("no folder");
    assert!(nowhere.contains("there is no folder"), "{nowhere}");
    let there = host.create(words(&folder.path().join("mine")), name()).await.err().expect("there");
    assert!(there.contains("exists; give another path"), "{there}");
    assert!(host.create(words(folder.path()), None).await.is_err(), "a folder is no file");
}

/// Names of files that come from outside, saved as the console proposes it: in the folder, and nowhere else.
#[tokio::test]
async fn no_name_leaves_the_folder_and_harmless_ones_stay_as_they_are() {
    for (name, kept) in [
        ("../../evil.txt", ".._.._evil.txt"),
        ("/tmp/x", "_tmp_x"),
        ("~/.ssh_authorized", "__.ssh_authorized"),
        (" ", " "),
        ("..", "__"),
        (".gitignore", ".gitignore"),
        ("می\u{200c}خواهم.txt", "می\u{200c}خواهم.txt"),
        ("-rf", "-rf"),
        ("a\\b 'c'", "a\\b 'c'"),
    ] {
        let folder = tempfile::tempdir().expect("temp");
        let draft = host(folder.path()).create(format!("{}/", words(folder.path())), Some(name.to_owned())).await;
        draft.unwrap_or_else(|why| panic!("{name}: {why}")).keep().await.expect("kept");
        let found = std::fs::read_dir(folder.path()).expect("folder").map(|entry| entry.expect("entry").file_name());
        assert_eq!(found.collect::<Vec<_>>(), [kept], "{name}");
    }
}
