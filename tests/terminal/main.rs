//! The real binary on a pseudo-terminal: every way out gives the terminal back within a second.

#![cfg(test)]

mod attach;
mod laws;
#[path = "../support/local.rs"]
mod local;
mod measure;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../support/pty.rs"]
mod pty;
mod screens;

use std::time::Duration;

use pty::{Console, ways_out};

/// A console with no servers to connect to: it must open all the same.
fn start(deaf: bool) -> Console {
    start_sized(120, 40, deaf)
}

fn start_sized(columns: u16, rows: u16, deaf: bool) -> Console {
    let arguments = ["--zk", "127.0.0.1:1", "--no-api", "--data", "data", "--logs", "logs"];
    let binary = env!("CARGO_BIN_EXE_zkdeck");
    let command: Vec<String> = std::iter::once(binary).chain(arguments).map(str::to_owned).collect();
    let mut console = Console::start(&command, columns, rows, deaf, &[]);
    console.until("the first frame", |c| c.text().contains("zkdeck") && c.text().contains("1 Health"));
    console
}

#[test]
fn keys_end_it() {
    ways_out::by_keys(start);
}

#[test]
fn signals_end_it() {
    ways_out::by_signals(start);
}

#[test]
fn a_closed_terminal_ends_it() {
    ways_out::by_a_closed_terminal(start);
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_the_end() {
    ways_out::while_nothing_is_read(start);
}

#[test]
fn it_can_be_stopped_and_continued() {
    ways_out::and_back(start);
}

#[test]
fn sizes_down_to_one_cell_are_survived() {
    let mut console = start_sized(80, 24, false);
    for (columns, rows) in [(40, 10), (1, 1), (200, 60), (80, 24)] {
        console.resize(columns, rows);
        console.watch(Duration::from_millis(150));
    }
    console.type_keys("q");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
}

#[test]
fn a_storm_of_sizes_is_few_frames() {
    let mut console = start(false);
    console.watch(Duration::from_millis(300));
    let before = console.bytes.len();
    for i in 0..60 {
        console.resize(100 + i % 20, 40);
        console.watch(Duration::from_millis(16));
    }
    console.watch(Duration::from_millis(200));
    let frames = console.bytes[before..].windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    assert!((1..=30).contains(&frames), "{frames} frames");
    assert!(console.bytes.len() - before <= 150_000, "{} bytes", console.bytes.len() - before);
}

/// Another user looks on, in a folder that is not theirs.
#[test]
fn who_only_looks_on_needs_no_right_to_write() {
    let binary = env!("CARGO_BIN_EXE_zkdeck");
    let other = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    let script = format!(
        "chmod 555 .; if [ $(id -u) = 0 ]; then as='{other}'; fi; exec env HOME=/nonexistent $as {binary} --zk \
         127.0.0.1:1 --no-api --read-only"
    );
    let command = ["sh".to_owned(), "-c".to_owned(), script];
    let mut console = Console::start(&command, 120, 40, false, &[]);
    console.until("the first frame", |c| c.text().contains("1 Health"));
    console.type_keys("e");
    console.until("what is not kept", |c| c.text().contains("no log is kept"));
    console.type_keys("eq");
    assert_eq!(console.end().0, 0);
    console.assert_given_back();
}

#[test]
fn without_a_terminal_that_can_be_drawn_on_it_says_what_to_do() {
    let binary = env!("CARGO_BIN_EXE_zkdeck").to_owned();
    for (term, cause) in [("dumb", "TERM=dumb"), ("", "TERM is not set"), ("nonsense", "TERM=nonsense")] {
        let mut console = Console::start(std::slice::from_ref(&binary), 120, 40, false, &[("TERM", term)]);
        assert_eq!(console.end().0, 2, "{term}");
        let text = console.text().replace('\n', " ");
        assert!(text.contains(cause) && text.contains("--daemon"), "{text}");
        console.assert_given_back();
    }
    let folder = tempfile::tempdir().expect("folder");
    let output = std::process::Command::new(&binary).current_dir(folder.path()).output().expect("run");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && told.contains("ssh -t HOST zkdeck") && told.contains("--daemon"),
        "{told}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0, "nothing is made");
}
