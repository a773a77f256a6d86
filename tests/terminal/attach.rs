//! `ssh -t host zkdeck` in one's home, beside a zkdeck that runs on this host in a folder of its own.

use crate::pty::Console;
use crate::screens::Stage;

#[test]
fn in_a_folder_that_is_nobodys_it_is_the_console_of_the_zkdeck_of_this_host() {
    let mut stage = Stage::open((120, 40), "[scheduler]\ninterval_s = 600\n");
    let listens = |text: &str| Some(text.split("api ").nth(1)?.split(' ').next()?.to_owned());
    stage.until("a leader, and where REST listens", |text| text.contains("instance leads") && listens(text).is_some());
    let address = listens(&stage.console.text()).expect("seen");
    let home = tempfile::tempdir().expect("folder");
    for (more, wanted) in [("", "its instance leads"), ("--read-only", "read-only")] {
        let line = format!(
            "cd {home} && HOME={home} exec {} --listen {address} {more}",
            env!("CARGO_BIN_EXE_zkdeck"),
            home = home.path().display()
        );
        let command = ["sh".to_owned(), "-c".to_owned(), line];
        let mut guest = Console::start(&command, 120, 40, false, &[("XDG_STATE_HOME", "")]);
        guest.until("the other's console", |c| c.text().contains("HEALTHY 3/3") && c.text().contains(wanted));
        guest.type_keys("q");
        let (status, _) = guest.end();
        assert_eq!(status, 0, "{}", guest.text());
        assert!(guest.text().contains("goes on"), "{}", guest.text());
        guest.assert_given_back();
        let made: Vec<_> = home.path().read_dir().expect("folder").flatten().map(|entry| entry.path()).collect();
        assert!(made.is_empty(), "{made:?}");
    }
    stage.close();
}

#[test]
fn in_the_folder_of_a_local_ensemble_that_runs_it_is_of_that_ensemble() {
    let mut stage = Stage::open((120, 40), "[scheduler]\ninterval_s = 600\n");
    stage.until("a leader", |text| text.contains("HEALTHY 3/3") && text.contains("this instance leads"));
    let line = format!("cd {} && exec {} --no-api", stage.folder().display(), env!("CARGO_BIN_EXE_zkdeck"));
    let mut second = Console::start(&["sh".to_owned(), "-c".to_owned(), line], 120, 40, false, &[]);
    second.until("the same ensemble", |c| c.text().contains("HEALTHY 3/3") && c.text().contains("standby of"));
    second.type_keys("q");
    let (status, _) = second.end();
    assert_eq!(status, 0, "{}", second.text());
    stage.console.type_keys("3");
    stage.until("history", |text| text.contains("runs the scheduler"));
    assert!(!stage.console.text().contains("NO QUORUM"), "{}", stage.console.text());
    stage.close();
}
