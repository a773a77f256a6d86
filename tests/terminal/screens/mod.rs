//! `scripts/screens`: what the real program shows on three real servers, for `docs/screens/`.

mod svg;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::local::{jars, local_folder};
use crate::ports::free_ports;
use crate::pty::Console;

const SIZE: (u16, u16) = (120, 40);
const PANES: [(&str, &str); 5] = [("1", "health"), ("2", "files"), ("3", "history"), ("4", "logs"), ("5", "scheduler")];

/// The program with servers of its own, in a folder that goes with it.
pub(crate) struct Stage {
    pub(crate) console: Console,
    folder: tempfile::TempDir,
    film: Option<Film>,
}

/// Screens that were seen, each with when it came.
struct Film {
    begun: Instant,
    frames: Vec<(u64, Vec<svg::Row>)>,
}

impl Stage {
    /// Starts it on a terminal of this size.
    pub(crate) fn open(size: (u16, u16), settings: &str) -> Self {
        Self::open_as("", size, settings)
    }

    /// With one more argument.
    pub(crate) fn open_as(more: &str, (columns, rows): (u16, u16), settings: &str) -> Self {
        let folder = local_folder(&jars(), settings);
        let listen = format!("127.0.0.1:{}", free_ports(1));
        let line = format!(
            "cd {} && HOME=$PWD exec {} --local --listen {listen} {more}",
            folder.path().display(),
            env!("CARGO_BIN_EXE_zkdeck")
        );
        let command = ["sh".to_owned(), "-c".to_owned(), line];
        let env = [("COLORTERM", "truecolor"), ("TZ", "UTC")];
        let console = Console::start(&command, columns, rows, false, &env);
        Self { console, folder, film: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as the system does.
    pub(crate) fn end_by_signal(mut self) {
        self.console.signal("TERM");
        self.console.end();
    }

    /// Takes in what comes for so long, or until it is as wanted; every picture is filmed when there is a film.
    pub(crate) fn see(&mut self, limit: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            self.console.watch(Duration::from_millis(100));
            if let Some(film) = &mut self.film {
                let rows = svg::rows(self.console.screen());
                if film.frames.last().is_none_or(|(_, last)| *last != rows) {
                    film.frames.push((film.begun.elapsed().as_millis() as u64, rows));
                }
            }
            if wanted(&self.console.text()) {
                return true;
            }
        }
        false
    }

    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let came = self.see(Duration::from_secs(60), wanted);
        assert!(came, "{what} did not come; the screen shows:\n{}", self.console.text());
    }

    pub(crate) fn rest(&mut self, seconds: f64) {
        self.see(Duration::from_secs_f64(seconds), |_| false);
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.console.type_keys(key.encode_utf8(&mut [0; 4]));
            self.rest(0.1);
        }
    }

    /// A command of the palette.
    pub(crate) fn command(&mut self, text: &str) {
        self.keys(&format!(":{text}"));
        self.rest(0.3);
        self.keys("\r");
    }

    /// The server that leads, as the header has it.
    pub(crate) fn leader(&self) -> String {
        let text = self.console.text();
        text.split("♛ ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("zk1").to_owned()
    }

    /// Files, a run, a drain that is lifted again: a past to look at.
    fn work(&mut self) {
        self.until("three servers", |text| text.contains("HEALTHY 3/3"));
        self.command("stress zk1 60 64");
        self.until("files", |text| text.contains("60 files") || text.contains("60 of 60"));
        self.command("run-scheduler");
        self.until("moves", |text| text.contains("moves done"));
    }

    /// Leaves it, and its servers with it.
    pub(crate) fn close(mut self) {
        self.console.type_keys("\x1b\x1b");
        self.console.watch(Duration::from_millis(300));
        self.console.type_keys("q");
        self.console.watch(Duration::from_millis(500));
        self.console.type_keys("y");
        let (status, _) = self.console.end();
        assert_eq!(status, 0, "{}", self.console.text());
    }
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screens");
    std::fs::create_dir_all(&folder).expect("folder");
    folder
}

#[test]
#[ignore = "scripts/screens"]
fn pictures() {
    let mut stage = Stage::open(SIZE, "[scheduler]\ninterval_s = 600\n");
    stage.work();
    let leader = stage.leader();
    let other = if leader == "zk2" { "zk3" } else { "zk2" };
    stage.command(&format!("pause {other}"));
    stage.until("the question", |text| text.contains("y pause"));
    stage.keys("y");
    stage.until("a server less", |text| text.contains("2/3"));
    stage.rest(8.0);
    stage.keys("+");
    for (key, name) in PANES {
        stage.keys("\x1b");
        stage.rest(0.5);
        stage.keys(key);
        stage.rest(2.5);
        let text: Vec<_> = stage.console.text().lines().map(|line| line.trim_end().to_owned()).collect();
        std::fs::write(folder().join(format!("{name}.txt")), text.join("\n") + "\n").expect("written");
        std::fs::write(folder().join(format!("{name}.svg")), svg::still(stage.console.screen())).expect("written");
    }
    stage.keys("1");
    stage.command(&format!("resume {other}"));
    stage.until("three servers", |text| text.contains("HEALTHY 3/3"));
    stage.close();
}

#[test]
#[ignore = "scripts/screens --record"]
fn recording() {
    let mut stage = Stage::open(SIZE, "[scheduler]\ninterval_s = 600\n");
    stage.until("three servers", |text| text.contains("HEALTHY 3/3"));
    stage.keys("+");
    stage.film = Some(Film { begun: Instant::now(), frames: Vec::new() });
    stage.rest(2.0);
    stage.command("stress zk1 60 64");
    stage.until("files", |text| text.contains("60 files") || text.contains("60 of 60"));
    stage.rest(1.5);
    stage.keys("5");
    stage.rest(1.0);
    stage.keys("v");
    stage.rest(4.0);
    stage.command("run-scheduler");
    stage.until("moves", |text| text.contains("moves done"));
    stage.rest(2.0);
    stage.keys("1");
    let leader = stage.leader();
    let other = if leader == "zk2" { "zk3" } else { "zk2" };
    stage.command(&format!("drain {other}"));
    stage.until("the question", |text| text.contains("y drain"));
    stage.rest(2.0);
    stage.keys("y");
    stage.rest(4.0);
    stage.command(&format!("undrain {other}"));
    stage.command(&format!("pause {leader}"));
    stage.until("the question", |text| text.contains("y pause"));
    stage.rest(3.0);
    stage.keys("y");
    let others = |text: &str| text.contains("2/3") && text.contains("♛ zk") && !text.contains(&format!("♛ {leader} "));
    stage.until("another leader", others);
    stage.rest(4.0);
    stage.command(&format!("resume {leader}"));
    stage.until("three servers", |text| text.contains("HEALTHY 3/3"));
    stage.rest(3.0);
    let film = stage.film.take().expect("filmed");
    let end = film.begun.elapsed().as_millis() as u64 + 2_000;
    std::fs::write(folder().join("demo.svg"), svg::film(&film.frames, end, SIZE)).expect("written");
    stage.close();
}
