//! Help, and the command line: what it proposes, completes, remembers and runs.

use super::*;
use crate::console::fetch::Fetch;
use crate::console::place::{CompletionAsk, Completions, KeptLines, KeptLinesAsk, LineChange};
use crate::console::theme::file::ThemeEntry;

/// What was done, without what is kept of the command and what the palette asks for.
fn done(orders: Vec<Order>) -> Vec<Order> {
    let own = |order: &Order| matches!(order, Order::Work(Work::Lines(_)) | Order::Outside(Outside::ListThemes));
    orders.into_iter().filter(|order| !own(order)).collect()
}

fn theme(name: &str) -> ThemeEntry {
    ThemeEntry { name: name.to_owned(), about: format!("what {name} is") }
}

/// The line of the palette, without its frame.
fn line(ui: &Console) -> String {
    let shown = screen(ui, 120, 40);
    let line = shown.lines().find(|line| line.contains("│ :")).unwrap_or_default();
    line.trim_matches([' ', '│']).to_owned()
}

fn keys_of(text: &str) -> String {
    text.chars().map(|c| if c == ' ' { "Space ".to_owned() } else { format!("{c} ") }).collect()
}

#[test]
fn help_comes_from_the_keys() {
    let mut ui = ui();
    press(&mut ui, "?");
    insta::assert_snapshot!(screen(&ui, 120, 40), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3 (epoch 7)   can lose 1          this instance leads · api 127.0.0.1:8080 · UTC
     1 Health  2 Files  3 History  4 Logs  5 Scheduler                                 scheduler on, next in 9 s   0 moving
    (the pane)        ┌ Help   / filters, Esc closes ────────────────────────────────────────────────────┐
                      │ Health, here                                                                     │
                      │   d                       move all files off a node, or lift that                │
                      │   p                       pause a server, or start it again                      │
                      │   s                       pile files on one node                                 │
                      │   r                       run the scheduler now                                  │
                      │                                                                                  │
                      │ In its list                                                                      │
                      │   /                       show only rows that match                              │
                      │   o                       sort by the next column                                │
                      │   y                       copy the row to the clipboard                          │
                      │                                                                                  │
                      │ Everywhere                                                                       │
                      │   ?                       why the row is so, and its keys; again: all keys       │
                      │   :                       type a command, or choose one from the list            │
                      │   e                       everything that was reported                           │
                      │   q Ctrl-c                leave the console                                      │
                      │   1                       go to the first pane; to each other one by its number  │
                      │   Tab                     next pane                                              │
                      │   BackTab                 previous pane                                          │
                      │   Esc                     close, or leave a detail                               │
                      │   Ctrl-l                  paint the screen anew                                  │
                      │   M                       give the mouse to the terminal, or take it back        │
                      │   ,                       the whole console some seconds earlier                 │
                      │   .                       some seconds later, back to now at last                │
                      │                                                                                  │
                      │ The ensemble                                                                     │
                      │   S                       stop a server, or start it again                       │
                      │   R                       stop a server and start it again                       │
                      │   P                       pause the scheduler, or resume it                      │
                      │   v                       show the plan, move nothing                            │
                      │   X                       end the run in progress; moves under way finish        │
                      │   w                       run the sample workload once                           │
                      │                                                                                  │
                      └──────────────────────────────────────────────────────────────────────────────────┘
     / filter  Esc close
    "#);
    press(&mut ui, "?");
    assert!(ui.overlay.is_none());
}

#[test]
fn help_scrolls_on_a_small_screen() {
    let mut ui = ui();
    press(&mut ui, "? G");
    assert!(screen(&ui, 80, 24).contains("remove a saved search"));
    press(&mut ui, "g");
    assert!(screen(&ui, 80, 24).contains("Health, here"));
}

#[test]
fn the_palette_runs_typed_commands() {
    let mut ui = ui();
    press(&mut ui, ": w e");
    insta::assert_snapshot!(screen(&ui, 80, 24), @r#"
     zkdeck  demo   ● HEALTHY 3/3      ♛ zk3   can lose 1       this instance leads
     1 Health  2 Files  3 History  4 Logs  5 Scheduler       next in 9 s   0 moving
    ┌ Command   Tab completes, Enter runs ─────────────────────────────────────────┐
    │ :we                                                                          │
    │   weight NODE WEIGHT                share of files of a node; 100 is usual   │
    └──────────────────────────────────────────────────────────────────────────────┘
     Tab complete  Enter run  Up earlier ones  Esc close
    "#);
    let node = fixtures::node_id("zk1");
    let sent = done(press(&mut ui, "Tab z k 1 Space 5 0 Enter"));
    assert_eq!(sent, [Order::Work(Work::Send(Command::SetWeight { node, weight: 50 }))]);
    assert_eq!(
        done(press(&mut ui, ": t h e m e Space l i g h t Enter")),
        [Order::Outside(Outside::Theme("light".into()))]
    );
    assert_eq!(done(press(&mut ui, ": n o n s e n s e Enter")), []);
    assert!(screen(&ui, 80, 24).contains("there is no command"));
}

#[test]
fn help_is_narrowed_down_and_holds_the_keys_of_other_panes() {
    let mut ui = ui();
    press(&mut ui, "?");
    ui.resize(Rect::new(0, 0, 120, 60));
    let all = screen(&ui, 120, 60);
    assert!(all.contains("Health, here") && all.contains("│ Logs") && all.contains("wrap long lines"), "{all}");
    press(&mut ui, "/ s c h e d");
    let shown = screen(&ui, 120, 40);
    assert!(shown.contains("run the scheduler now") && !shown.contains("wrap long lines"), "{shown}");
    press(&mut ui, "x x");
    assert!(screen(&ui, 120, 40).contains("No key does that."));
    press(&mut ui, "Enter Esc");
    assert!(screen(&ui, 120, 60).contains("wrap long lines"), "Esc lets the filter go");
    press(&mut ui, "Esc");
    assert!(ui.overlay.is_none());
}

#[test]
fn tab_offers_the_nodes_and_removes_nothing() {
    let mut ui = ui();
    press(&mut ui, ": d r a i n Space z k");
    let shown = screen(&ui, 100, 30);
    for row in ["zk1        34 files  active", "zk2        33 files  active", "zk3        33 files  active"] {
        assert!(shown.contains(row), "{row}: {shown}");
    }
    press(&mut ui, "Tab");
    assert_eq!(line(&ui), ":drain zk");
    assert!(screen(&ui, 100, 30).contains("> zk1 "), "the cursor is on the first");
    press(&mut ui, "Tab");
    assert!(screen(&ui, 100, 30).contains("> zk2 "), "on the next");
    assert_eq!(done(press(&mut ui, "Enter")), []);
    assert!(screen(&ui, 100, 30).contains("Drain zk2"), "the question of the row");
    for typed in ["drain zk9", "drain zk1 zk", "weight zk1 5", "fly zk", "upload /tmp/a", "  drain  zk"] {
        press(&mut ui, "Esc :");
        press(&mut ui, &keys_of(typed));
        press(&mut ui, "Tab Tab");
        assert_eq!(line(&ui).trim_end(), format!(":{typed}").trim_end(), "Tab has changed it");
    }
    press(&mut ui, "Esc : d r a i n Space 2 Tab Enter");
    assert!(screen(&ui, 100, 30).contains("Drain zk2"), "the only one that has it");
}

#[test]
fn what_several_begin_with_is_written_and_the_only_one_whole() {
    let mut ui = ui();
    ui.set_themes(["default", "light", "gruvbox-dark", "gruvbox-light"].map(theme).to_vec());
    press(&mut ui, ": t h Tab g Tab");
    assert_eq!(line(&ui), ":theme gruvbox-");
    press(&mut ui, "l Tab");
    assert_eq!(line(&ui), ":theme gruvbox-light");
    press(&mut ui, "Esc : u n d Tab");
    assert_eq!(line(&ui), ":undrain");
}

#[test]
fn a_theme_is_shown_while_the_cursor_is_on_it_and_the_old_one_comes_back() {
    let mut ui = ui();
    ui.set_themes(["default", "light"].map(theme).to_vec());
    let tried = |name: &str| Order::Outside(Outside::TryTheme(Some(name.to_owned())));
    assert_eq!(done(press(&mut ui, ": t h e m e Space")), []);
    assert!(screen(&ui, 100, 30).contains("light     what light is"), "{}", screen(&ui, 100, 30));
    assert_eq!(press(&mut ui, "Tab"), [tried("default")]);
    assert_eq!(press(&mut ui, "Down"), [tried("light")]);
    assert_eq!(press(&mut ui, "Esc"), [Order::Outside(Outside::TryTheme(None))]);
    assert_eq!(done(press(&mut ui, ": t h e m e Space l i g h t")), [tried("light")], "typed whole");
    assert_eq!(press(&mut ui, "x"), [Order::Outside(Outside::TryTheme(None))]);
    let chosen = done(press(&mut ui, "Backspace Enter"));
    assert_eq!(chosen, [tried("light"), Order::Outside(Outside::Theme("light".into()))]);
    assert_eq!(done(press(&mut ui, ": Esc")), [], "nothing is tried any more");
    press(&mut ui, ": t h e m e Space Tab");
    let other = done(press(&mut ui, "Ctrl-u h e a l t h Enter"));
    assert_eq!(other, [Order::Outside(Outside::TryTheme(None))]);
}

#[test]
fn commands_are_found_by_what_they_do() {
    let mut ui = ui();
    press(&mut ui, ": f r e e z e");
    let shown = screen(&ui, 100, 30);
    assert!(shown.contains("pause NODE") && shown.contains("freeze a server") && !shown.contains("weight"), "{shown}");
    assert_eq!(press(&mut ui, "Enter"), [], "what fits by its words only is shown first");
    assert_eq!(line(&ui), ":pause");
    press(&mut ui, "Esc :");
    press(&mut ui, &keys_of("run sample"));
    assert!(screen(&ui, 100, 30).contains("run-workload"), "{}", screen(&ui, 100, 30));
    press(&mut ui, "Esc : x q z");
    assert!(screen(&ui, 100, 30).contains("no such command; Esc closes"));
}

#[test]
fn names_in_part_are_completed_and_run() {
    let sent = |keys: &str| done(press(&mut ui(), keys));
    let paused = [Order::Work(Work::Send(Command::PauseScheduler))];
    assert_eq!(sent(": p a u s e - s c h e d u l e r Enter"), paused);
    assert_eq!(sent(": p a u s e - s Enter"), paused);
    assert_eq!(sent(": p s c h Enter"), paused, "letters in order");
    assert_eq!(sent(": r e d r a w Enter"), [Order::Outside(Outside::Redraw)]);
    assert_eq!(sent(": Enter"), []);
    let mut ui = ui();
    press(&mut ui, ": w e i Enter");
    assert_eq!(line(&ui), ":weight", "an argument is missing");
    press(&mut ui, "Ctrl-u Backspace");
    assert!(ui.overlay.is_none());
}

#[test]
fn numbers_show_their_bounds_and_files_their_names() {
    let hint = |text: &str| {
        let mut ui = ui();
        press(&mut ui, ":");
        press(&mut ui, &keys_of(text));
        screen(&ui, 100, 30)
    };
    for (text, told) in [
        ("weight zk1 ", "a whole number from 1 to 10,000, 100 is usual"),
        ("stress zk1 ", "files: a whole number from 1 to 10,000"),
        ("stress zk1 8 ", "size of each in KiB: a whole number from 1 to 1,048,576"),
        ("upload ", "a path on this machine"),
        ("delete 0499", "report-0499.bin   128 KiB  zk1"),
        ("migrate report-0401.bin ", "zk3        33 files  active"),
        ("pause ", "zk3   leader      up"),
        ("mouse o", "off   the terminal has it, to select text"),
        ("drain zk1 ", "that is all: :drain NODE"),
        ("drain q", "nothing begins or reads so"),
    ] {
        assert!(hint(text).contains(told), "{text}: {}", hint(text));
    }
}

/// The question of what could follow a path, as the last key of these asks it.
fn path_asked(ui: &mut Console, keys: &str) -> Fetch<CompletionAsk> {
    match press(ui, keys).pop() {
        Some(Order::Work(Work::Complete(fetch))) => fetch,
        other => panic!("{keys}: {other:?}"),
    }
}

/// Answers it: what is put in, and the names that could follow.
fn follow(ui: &mut Console, fetch: Fetch<CompletionAsk>, append: &str, names: &[&str]) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let nothing = append.is_empty() && names.is_empty();
    let found = Completions { append: append.into(), names, nothing, ..Completions::default() };
    fetch.reply.send(Ok(found)).expect("awaited");
    ui.take_answers();
}

#[test]
fn a_path_on_the_command_line_is_completed_by_the_place() {
    let mut ui = ui();
    let fetch = path_asked(&mut ui, &format!(": {} Tab", keys_of("upload /tmp/re")));
    assert_eq!(fetch.ask.typed, "/tmp/re");
    follow(&mut ui, fetch, "port\\ ", &["report one.bin", "report two.bin"]);
    assert_eq!(line(&ui), ":upload /tmp/report\\");
    assert!(screen(&ui, 100, 30).contains("report one.bin  report two.bin"), "{}", screen(&ui, 100, 30));
    let late = path_asked(&mut ui, "o Tab");
    assert_eq!(late.ask.typed, "/tmp/report\\ o");
    assert!(!screen(&ui, 100, 30).contains("two.bin"), "they were for another text");
    press(&mut ui, "n");
    follow(&mut ui, late, "ne.bin", &[]);
    assert_eq!(line(&ui), ":upload /tmp/report\\ on", "more was typed meanwhile");
    let fetch = path_asked(&mut ui, "Down Tab");
    follow(&mut ui, fetch, "e.bin", &[]);
    let node = path_asked(&mut ui, "Space Tab");
    assert_eq!(node.ask.typed, "/tmp/report\\ one.bin ");
    assert!(screen(&ui, 100, 30).contains("zk3        33 files  active"), "or a node");
    follow(&mut ui, node, "", &[]);
    assert!(screen(&ui, 100, 30).contains("> zk1 "), "no file is called so");
    let node = path_asked(&mut ui, "z Tab");
    follow(&mut ui, node, "", &[]);
    assert_eq!(line(&ui), ":upload /tmp/report\\ one.bin zk");
    press(&mut ui, "2 Space");
    assert!(screen(&ui, 100, 30).contains("that is all: :upload PATH [NODE]"));
    let (path, to) = ("/tmp/report\\ one.bin zk2 ".to_owned(), "/tmp/report\\ one.bin".to_owned());
    let upload = Work::Upload { path, to: Some((to, fixtures::node_id("zk2"))) };
    assert_eq!(done(press(&mut ui, "Enter")), [Order::Work(upload)]);
}

#[test]
fn a_path_behind_a_file_is_completed_too_and_a_folder_that_cannot_be_read_is_told() {
    let mut ui = ui();
    let fetch = path_asked(&mut ui, &format!(": {} Tab", keys_of("download 'report-0401.bin' a b/")));
    assert_eq!(fetch.ask.typed, "a b/");
    fetch.reply.send(Err("a b/: Permission denied".into())).expect("awaited");
    ui.take_answers();
    assert!(screen(&ui, 100, 30).contains("a b/: Permission denied"));
    for height in 0..20 {
        screen(&ui, 80, height);
    }
    press(&mut ui, "Left");
    assert!(!screen(&ui, 100, 30).contains("denied"), "it was for another text");
}

#[test]
fn panes_are_reached_by_name() {
    let mut ui = ui();
    for (at, name) in ["health", "files", "history", "logs", "scheduler"].iter().enumerate() {
        press(&mut ui, ":");
        press(&mut ui, &keys_of(name));
        press(&mut ui, "Enter");
        assert_eq!(ui.active, at, "{name}");
    }
}

/// The questions for the commands of before among the orders.
fn asked(orders: Vec<Order>) -> Vec<Fetch<KeptLinesAsk>> {
    let fetch = |order| match order {
        Order::Work(Work::Lines(fetch)) => Some(fetch),
        _ => None,
    };
    orders.into_iter().filter_map(fetch).collect()
}

#[test]
fn commands_of_before_come_back_over_the_session_and_from_the_file() {
    let mut ui = ui();
    let [read] = <[_; 1]>::try_from(asked(ui.begin())).expect("one question");
    assert_eq!(read.ask, KeptLinesAsk { of: KeptLines::PastCommands, change: LineChange::Read });
    read.reply.send(Ok(vec!["weight zk1 50".into(), "theme light".into()])).expect("awaited");
    ui.take_answers();
    press(&mut ui, ":");
    let mut seen = Vec::new();
    for key in ["Up", "Up", "Up", "Down", "Down"] {
        press(&mut ui, key);
        seen.push(line(&ui));
    }
    assert_eq!(seen, [":weight zk1 50", ":theme light", ":theme light", ":weight zk1 50", ":"]);
    press(&mut ui, "t Up");
    assert_eq!(line(&ui), ":theme light", "those that begin so");
    press(&mut ui, "Ctrl-u");
    let kept = asked(press(&mut ui, "w o r n g Enter"));
    assert_eq!(kept[0].ask.change, LineChange::Add("worng".into()), "to be mended");
    press(&mut ui, ": Up");
    assert_eq!(line(&ui), ":worng");
}

#[test]
fn what_cannot_be_kept_is_told() {
    let mut ui = ui();
    let [read] = <[_; 1]>::try_from(asked(ui.begin())).expect("one question");
    read.reply.send(Err("commands of before in data/commands.txt: not UTF-8".into())).expect("awaited");
    ui.take_answers();
    assert!(screen(&ui, 100, 30).contains("data/commands.txt: not UTF-8"));
    ui.toasts.dismiss();
    let kept = asked(press(&mut ui, ": w o r n g Enter Esc")).pop().expect("it is tried again");
    kept.reply.send(Err("commands of before in data/commands.txt: not UTF-8".into())).expect("awaited");
    ui.take_answers();
    let told = ui.toasts.all(&ui.snapshot).iter().filter(|message| message.text.contains("not UTF-8")).count();
    assert_eq!(told, 1, "once");
}
