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
    ┌ Events: 2 of at most 400   Enter opens, / filters, Esc closes ───────────────┐
    │ > 14:02:11  ● info    newer                                                  │
    │   14:01:11  ✖ error   a^[[2Jb                                                │
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
     Enter open  / filter  y copy  ? why  Esc close
    "#);
    press(&mut ui, "q");
    assert!(ui.overlay.is_none(), "q closes the list, not the console");
}

const LONG: &str =
    "drain zk1 refused: zk2 and zk3 have room for 12 of its 33 files. Free space or raise a cap with :weight.";

/// The row that the cursor is on.
fn row(ui: &Console) -> String {
    let shown = screen(ui, 80, 24);
    shown.lines().find(|line| line.contains("│ > ")).unwrap_or_default().to_owned()
}

#[test]
fn an_event_is_read_whole_and_the_cursor_stays_on_it() {
    let mut ui = ui();
    for at in 0..40 {
        ui.report(Level::Error, format!("{at}: {LONG}"));
    }
    ui.toasts.dismiss();
    ui.resize(Rect::new(0, 0, 80, 24));
    press(&mut ui, "e");
    assert!(row(&ui).contains("14:02:11  ✖ error   39: drain zk1 refused") && row(&ui).contains('…'), "{}", row(&ui));
    press(&mut ui, "Enter");
    let whole = screen(&ui, 80, 24);
    assert!(whole.contains("2026-11-23 14:02:11  ✖ error") && whole.contains("raise a cap with :weight."), "{whole}");
    press(&mut ui, "Esc j");
    ui.report(Level::Info, "newer".into());
    assert!(row(&ui).contains("38: drain"), "it stays where it was put: {}", row(&ui));
    press(&mut ui, "PageDown");
    assert!(row(&ui).contains(" 20: drain"), "by the height of the list: {}", row(&ui));
    assert_eq!(press(&mut ui, "y"), [Order::Outside(Outside::Copy(format!("20: {LONG}")))]);
    press(&mut ui, "G");
    assert!(row(&ui).contains(" 0: drain"), "{}", row(&ui));
    press(&mut ui, "g");
    ui.report(Level::Info, "newest".into());
    assert!(row(&ui).contains("newest"), "at the newest it follows");
}

#[test]
fn events_are_filtered_and_escape_goes_back_step_by_step() {
    let mut ui = ui();
    for text in ["drain zk1 refused: full", "upload of a.bin done"] {
        ui.report(Level::Warning, text.into());
    }
    press(&mut ui, "e / D r a i n Enter");
    let shown = screen(&ui, 80, 24);
    assert!(shown.contains("drain zk1 refused") && !shown.contains("upload of a.bin done │"), "{shown}");
    assert_eq!(row(&ui).matches("drain").count(), 1);
    press(&mut ui, "/ x q Enter");
    assert!(screen(&ui, 80, 24).contains("No event matches."));
    press(&mut ui, "Esc");
    assert!(row(&ui).contains("upload of a.bin"), "{}", row(&ui));
    press(&mut ui, "Esc");
    assert!(ui.overlay.is_none());
}

#[test]
fn what_stands_now_comes_first_with_its_whole_cause() {
    let mut snapshot = fixtures::snapshot();
    snapshot.session.state = SessionState::Disconnected;
    snapshot.session.cause = Some(format!("/demo/files: access denied. {LONG}"));
    let mut ui = ui_of(snapshot, &ConsoleConfig::default(), None);
    ui.report(Level::Info, "newer".into());
    press(&mut ui, "e");
    assert!(row(&ui).contains("now ") && row(&ui).contains("no session since 14:01:12: /demo"), "{}", row(&ui));
    press(&mut ui, "Enter");
    assert!(screen(&ui, 80, 24).contains("Free space or raise a cap"));
}

#[test]
fn events_of_more_than_a_day_have_their_dates() {
    let mut ui = ui();
    ui.report(Level::Info, "today".into());
    press(&mut ui, "e");
    assert!(row(&ui).contains("> 14:02:11 "), "{}", row(&ui));
    ui.set_now(crate::domain::ids::Timestamp(NOW.0 + 86_400_000));
    ui.report(Level::Info, "tomorrow".into());
    assert!(row(&ui).contains("> 2026-11-24 14:02:11 "), "{}", row(&ui));
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
