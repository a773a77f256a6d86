//! One walk over the console on three real servers, of which one is paused and the leader is stopped: the laws of the
//! screen are held against every picture on the way, and against what REST says.

use std::time::Duration;

use vt100::Color;

use crate::screens::Stage;

const SIZE: (u16, u16) = (120, 40);

/// What the header says, which is the first line.
fn header(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What no picture may say, whatever happens at this moment.
fn assert_lawful(text: &str) {
    let head = header(text);
    let says = |words: &str| head.contains(words);
    if says("NO LEADER") || says("NO QUORUM") {
        assert!(says("writes wait") && !says("can lose"), "nothing can be written, and it is not said:\n{text}");
    }
    if says("HEALTHY 3/3") {
        assert!(!says("stops writes") && !text.contains("◐ paused"), "a healthy ensemble lacks nothing:\n{text}");
    }
    // Why there is no session comes first.
    if says("AT RISK") && !says("no session") {
        assert!(says("one more loss stops writes"), "what is at risk is not said:\n{text}");
    }
    assert!(head.matches('♛').count() <= 1, "one leader, in one place:\n{text}");
    assert!(!text.contains("NaN") && !text.contains("null"), "what is not known is a dash:\n{text}");
}

struct Walk(Stage);

impl Walk {
    /// Waits for what is wanted; every picture on the way is lawful.
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        self.0.until(what, |text| {
            assert_lawful(text);
            wanted(text)
        });
    }

    fn key(&mut self, key: &str) {
        self.0.console.type_keys(key);
        self.0.rest(0.3);
    }

    fn text(&self) -> String {
        self.0.console.text()
    }

    /// The background of each cell of a row.
    fn grounds(&self, row: u16) -> Vec<Color> {
        let screen = self.0.console.screen();
        (0..SIZE.0).filter_map(|column| screen.cell(row, column)).map(vt100::Cell::bgcolor).collect()
    }

    /// Law 5: the row in hand is one bar over the whole of its table.
    fn assert_one_bar(&self) {
        let row = self.text().lines().position(|line| line.starts_with(" > ")).expect("a row in hand");
        let grounds = self.grounds(u16::try_from(row).unwrap());
        assert!(
            grounds.iter().all(|ground| *ground == grounds[0]),
            "row {row} is no bar: {grounds:?}\n{}",
            self.text()
        );
        assert_ne!(grounds[0], self.grounds(2)[0], "it is told from the others");
    }
}

/// The numbers in the column `title` of the table that has it, as far as rows follow.
fn column(text: &str, title: &str) -> Vec<u64> {
    let mut lines = text.lines().skip_while(|line| !line.contains(title));
    let end = lines.next().and_then(|line| Some(line[..line.find(title)? + title.len()].chars().count()));
    let Some(end) = end else { return Vec::new() };
    let number = |line: &str| {
        let cell: String = line.chars().take(end).collect();
        cell.rsplit(' ').next().and_then(|word| word.replace(',', "").parse().ok())
    };
    lines.map_while(number).collect()
}

#[test]
fn the_screen_keeps_its_laws_while_servers_fall_and_come_back() {
    let mut walk = Walk(Stage::open(SIZE, "[scheduler]\ninterval_s = 600\n[workload]\nenabled = false\n"));
    // Law 1: while own servers start, nothing is lost.
    walk.0.until("three servers", |text| {
        assert!(!header(text).contains("NO QUORUM"), "servers that start are no loss:\n{text}");
        text.contains("HEALTHY 3/3")
    });
    // Law 4: the zone is in the header.
    walk.until("the zone", |text| header(text).trim_end().ends_with("UTC"));
    walk.0.command("stress zk1 60 4");
    walk.until("the files", |text| column(text, "FILES").iter().sum::<u64>() == 60);
    walk.until("the same count over the chart", |text| text.contains("files per node") && text.contains("zk1 60 "));
    walk.assert_one_bar();
    // One number for one fact, in every pane.
    walk.key("2");
    walk.until("the same count in Files", |text| text.contains("60 files"));
    walk.assert_one_bar();
    walk.key("5");
    walk.until("the same count in Scheduler", |text| text.lines().any(|line| line.starts_with("  zk1  60")));
    // Law 7: what is typed takes the place of what stood there, and the consequence is told first.
    walk.key("s");
    for key in ["\x1b[B", "9", "\x1b[B", "\x15", "7"] {
        walk.key(key);
    }
    walk.until("the form", |text| text.contains("= 9 files, 63 KiB"));
    walk.key("\x1b");
    // Law 9: from a server to its logs, and back.
    walk.key("1");
    walk.key("l");
    walk.until("its logs", |text| text.contains("node:zk") && text.contains("zk1 ›") | text.contains("Health"));
    walk.key("\x1b");
    walk.until("Health again", |text| text.contains("LAT p50/p99"));
    fall_and_come_back(&mut walk);
    rewind(&mut walk);
    // Law 10: a theme with a ground paints it everywhere.
    walk.0.command("theme light");
    walk.0.rest(1.0);
    for row in 0..SIZE.1 {
        assert!(walk.grounds(row).iter().all(|ground| *ground != Color::Default), "row {row} shows the terminal");
    }
    // Law 8: leaving says what ends with it, and one key is not enough.
    walk.key("q");
    walk.until("the question", |text| text.contains("zk1, zk2 and zk3 stop with it; 60 files stay"));
    walk.key("n");
    walk.until("the pane", |text| text.contains("LAT p50/p99"));
    walk.0.close();
}

/// A follower is paused and resumed, then the leader is.
fn fall_and_come_back(walk: &mut Walk) {
    let leader = walk.0.leader();
    let other = if leader == "zk2" { "zk3" } else { "zk2" };
    walk.0.command(&format!("pause {other}"));
    walk.until("its consequence", |text| text.contains("one more loss stops writes") && text.contains("y pause"));
    walk.key("y");
    walk.until("a server less", |text| header(text).contains("2/3") && text.contains("◐ paused"));
    // Law 6: the keys are those that the row in hand can do with.
    while !walk.text().lines().any(|line| line.starts_with(" > ") && line.contains(other)) {
        walk.key("\x1b[B");
    }
    walk.assert_one_bar();
    walk.until("the key that helps", |text| text.lines().next_back().is_some_and(|line| line.contains("p resume")));
    walk.key("p");
    walk.until("all three", |text| header(text).contains("HEALTHY 3/3"));
    walk.0.command(&format!("pause {leader}"));
    walk.until("the election that it starts", |text| text.contains("election") && text.contains("y pause"));
    walk.key("y");
    walk.until("another leader", |text| {
        let head = header(text);
        head.contains("2/3") && head.contains("♛ zk") && !head.contains(&format!("♛ {leader} "))
    });
    walk.0.command(&format!("resume {leader}"));
    walk.until("all three again", |text| header(text).contains("HEALTHY 3/3"));
    // What happened is told with its end.
    walk.key("3");
    walk.until("the incidents", |text| text.contains("leads, epoch") && text.contains(&format!("pause {leader}")));
    walk.key("1");
}

/// The whole console at a moment that is over says so in every pane, and comes back.
fn rewind(walk: &mut Walk) {
    walk.0.command("at -3s");
    walk.until("the past", |text| text.contains("PAST "));
    for pane in ["2", "3", "4", "5", "1"] {
        walk.key(pane);
        walk.until("the past, in every pane", |text| text.contains("PAST ") && text.contains("Esc now"));
    }
    walk.0.command("drain zk1");
    walk.until("a refusal", |text| text.contains("refused"));
    walk.key("\x1b");
    walk.key("\x1b");
    walk.until("now", |text| !text.contains("PAST "));
    walk.0.rest(Duration::from_millis(300).as_secs_f64());
}
