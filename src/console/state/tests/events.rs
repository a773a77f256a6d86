//! All that has happened, newest first.

use super::*;

#[test]
fn events_hold_everything_newest_first() {
    let mut snapshot = fixtures::snapshot();
    let notice = Notice {
        number: 1,
        at: crate::domain::ids::Timestamp(NOW.0 - 60_000),
        level: Level::Error,
        text: "a\x1b[2Jb".into(),
        standing: None,
    };
    snapshot.notices = Arc::from([Arc::new(notice)]);
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), None);
    ui.report(Level::Info, "newer".into());
    press(&mut ui, "e");
    insta::assert_snapshot!(screen(&ui, 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3   can lose 1       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    ┌ Events: 2 of at most 400 kept   Up and Down scroll, Esc closes ──────────────┐
    │ 14:02:11  ● info    newer                                                    │
    │ 14:01:11  ✖ error   a^[[2Jb                                                  │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
     14:02:11 newer (e: all events)
     d drain  p pause  s stress  r run scheduler  : ? q
    "#);
    press(&mut ui, "q");
    assert!(ui.overlay.is_none(), "q closes the list, not the console");
}

#[test]
fn an_event_is_read_whole_and_the_list_scrolls_by_line() {
    let mut ui = ui();
    let text =
        "drain zk1 refused: zk2 and zk3 have room for 12 of its 33 files. Free space or raise a cap with :weight.";
    for at in 0..10 {
        ui.report(Level::Error, format!("{at}: {text}"));
    }
    ui.toasts.dismiss();
    press(&mut ui, "e");
    let shown = screen(&ui, 80, 24);
    assert!(shown.contains("│ 14:02:11  ✖ error   9: drain zk1 refused"), "{shown}");
    assert!(shown.contains(" raise a cap with :weight."), "{shown}");
    press(&mut ui, "j");
    let shown = screen(&ui, 80, 24);
    assert!(!shown.contains("error   9: drain") && shown.contains("error   8: drain"), "one line: {shown}");
    press(&mut ui, "G");
    let last = screen(&ui, 80, 24);
    assert!(last.contains("0: drain zk1"), "{last}");
    press(&mut ui, "k");
    assert_ne!(screen(&ui, 80, 24), last, "each key moves what is seen");
}

#[test]
fn a_long_error_is_read_in_full() {
    let mut ui = ui();
    ui.report(
        Level::Error,
        "drain zk1 refused: zk2 and zk3 have room for 12 of its 33 files (data/uploads is 97 % full). \
         Free space or raise a cap with :weight."
            .into(),
    );
    insta::assert_snapshot!(screen(&ui, 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3   can lose 1       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    (the pane)
     ✖ drain zk1 refused: zk2 and zk3 have room for 12 of its 33 files
       (data/uploads is 97 % full). Free space or raise a cap with :weight.
     d drain  p pause  s stress  r run scheduler  : ? q
    "#);
    press(&mut ui, "Esc");
    assert!(!screen(&ui, 80, 24).contains("raise a cap with :weight.\n"));
}
