//! A console on a pseudo-terminal: what it shows, what modes it has set, how it ends.
//!
//! Included by the tests of the library and by those of the binary.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{MasterPty, PtySize, native_pty_system};

/// Nothing that is waited for takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command running on a terminal of its own.
pub(crate) struct Console {
    child: Child,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    output: Receiver<Vec<u8>>,
    closing: Arc<AtomicBool>,
    /// Held while the terminal is to take nothing.
    gate: Arc<Mutex<()>>,
    terminal: vt100::Parser,
    /// Everything that was written so far.
    pub(crate) bytes: Vec<u8>,
    modes: String,
    tty: std::fs::File,
    /// Where it runs; goes with it.
    _folder: tempfile::TempDir,
}

impl Console {
    /// Starts `command` in a new folder and a session of its own, on a new terminal of this size.
    /// With `deaf` a shell stands between, which ignores SIGHUP and so does not pass it on.
    pub(crate) fn start(command: &[String], columns: u16, rows: u16, deaf: bool, env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("pty");
        let name = pair.master.tty_name().expect("name of the terminal");
        let open = || std::fs::File::options().read(true).write(true).open(&name).expect("terminal");
        let mut all: Vec<String> = vec!["setsid".into(), "--ctty".into(), "--wait".into()];
        if deaf {
            all.extend(["sh".into(), "-c".into(), "trap '' HUP; \"$@\"; exit $?".into(), "sh".into()]);
        }
        all.extend_from_slice(command);
        let mut started = Command::new(&all[0]);
        started.args(&all[1..]).stdin(Stdio::from(open())).stdout(Stdio::from(open())).stderr(Stdio::from(open()));
        started.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env_remove("SSH_TTY").envs(env.iter().copied());
        let folder = tempfile::tempdir().expect("folder");
        started.current_dir(folder.path());
        // Before the console has the terminal.
        let tty = open();
        let modes = modes(&tty);
        let child = started.spawn().expect("start");
        let mut reader = pair.master.try_clone_reader().expect("reader");
        let (sender, output) = channel();
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        let gate = Arc::new(Mutex::new(()));
        let open_gate = Arc::clone(&gate);
        std::thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                drop(open_gate.lock());
                if sender.send(buffer[..read].to_vec()).is_err() || closed.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let cells = |n| NonZeroU16::new(n).expect("not 0");
        let keys = pair.master.take_writer().expect("writer");
        Self {
            modes,
            child,
            master: Some(pair.master),
            keys: Some(keys),
            output,
            closing,
            gate,
            terminal: vt100::Parser::new(cells(rows), cells(columns), 0),
            bytes: Vec::new(),
            tty,
            _folder: folder,
        }
    }

    /// Process number of the console itself, below `setsid` and the shell. It may have children of its own.
    pub(crate) fn pid(&self) -> u32 {
        let mut pid = self.child.id();
        while is_around(pid)
            && let Some(child) = children(pid).first()
        {
            pid = *child;
        }
        pid
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        let writer = self.keys.as_mut().expect("terminal is open");
        writer.write_all(keys.as_bytes()).expect("keys");
        writer.flush().expect("keys");
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let master = self.master.as_ref().expect("terminal is open");
        master.resize(PtySize { rows, cols: columns, ..PtySize::default() }).expect("resize");
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill").success());
    }

    /// What the screen shows.
    pub(crate) fn text(&self) -> String {
        self.terminal.screen().contents()
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.terminal.screen()
    }

    /// Waits until the screen is as wanted.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(self) {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => {
                    self.terminal.process(&bytes);
                    self.bytes.extend(bytes);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    assert!(Instant::now() < end, "{what} did not come; the screen shows:\n{}", self.text());
                }
            }
        }
    }

    /// Takes in what is written in this time.
    pub(crate) fn watch(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Ok(bytes) = self.output.recv_timeout(left) {
                self.terminal.process(&bytes);
                self.bytes.extend(bytes);
            }
        }
    }

    /// The terminal's window is closed.
    pub(crate) fn close(&mut self) {
        // The reading thread has a copy of the master: a new size makes the console paint, that
        // wakes the thread, and the last copy goes.
        self.closing.store(true, Ordering::SeqCst);
        self.resize(90, 30);
        let end = Instant::now() + PATIENCE;
        while self.output.recv_timeout(Duration::from_millis(20)) != Err(RecvTimeoutError::Disconnected) {
            assert!(Instant::now() < end, "the console does not paint at a new size");
        }
        self.keys = None;
        self.master = None;
    }

    /// Whether the console runs raw.
    pub(crate) fn is_raw(&self) -> bool {
        !modes(&self.tty).split_whitespace().any(|word| word == "icanon")
    }

    /// Waits for the end; the exit status and how long it took.
    pub(crate) fn end(&mut self) -> (i32, Duration) {
        use std::os::unix::process::ExitStatusExt as _;
        let start = Instant::now();
        loop {
            self.watch(Duration::from_millis(10));
            if let Some(status) = self.child.try_wait().expect("wait") {
                self.watch(Duration::from_millis(50));
                return (status.code().unwrap_or(1000 + status.signal().unwrap_or(0)), start.elapsed());
            }
            assert!(start.elapsed() < PATIENCE, "it does not end; the screen shows:\n{}", self.text());
        }
    }

    /// The terminal is as it was before the console came.
    pub(crate) fn assert_given_back(&self) {
        let screen = self.terminal.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pastes are plain again");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is free");
        assert_eq!(modes(&self.tty), self.modes, "the modes of the terminal are as before");
    }

    /// The console has the terminal.
    pub(crate) fn assert_taken(&self) {
        let screen = self.terminal.screen();
        assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
        assert!(self.is_raw());
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let mut all = vec![self.child.id()];
        let mut i = 0;
        while let Some(pid) = all.get(i) {
            all.extend(children(*pid));
            i += 1;
        }
        for pid in all.iter().rev() {
            _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        _ = self.child.wait();
    }
}

fn modes(tty: &std::fs::File) -> String {
    let tty = tty.try_clone().expect("terminal");
    let output = Command::new("stty").arg("-a").stdin(Stdio::from(tty)).output().expect("stty");
    // Rows and columns change with the window.
    String::from_utf8_lossy(&output.stdout).lines().skip(1).collect::<Vec<_>>().join("\n")
}

/// Every way out of a console, with the status that it must end with. `start(deaf)` starts one and
/// waits until it is ready.
pub(crate) mod ways_out {
    use super::{Console, Duration, is_alive, is_stopped};

    const SOON: Duration = Duration::from_secs(1);
    /// A busy machine may hold one end up; a console that is slow is slow each time.
    const TRIES: usize = 3;

    /// Holds the time that an end takes to [`SOON`].
    fn soon(end: impl Fn() -> Duration) {
        let mut took = Vec::new();
        while took.len() < TRIES && took.iter().all(|took| *took >= SOON) {
            took.push(end());
        }
        assert!(took.iter().any(|took| *took < SOON), "it took {took:?}");
    }

    fn ends(mut console: Console, code: i32) -> Duration {
        let (status, took) = console.end();
        assert_eq!(status, code, "exit status; the screen shows:\n{}", console.text());
        console.assert_given_back();
        took
    }

    pub(crate) fn by_keys(start: impl Fn(bool) -> Console) {
        for keys in ["q", "\x03"] {
            soon(|| {
                let mut console = start(false);
                console.assert_taken();
                console.type_keys(keys);
                ends(console, 0)
            });
        }
    }

    pub(crate) fn by_signals(start: impl Fn(bool) -> Console) {
        for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
            soon(|| {
                let console = start(false);
                console.signal(name);
                ends(console, code)
            });
        }
    }

    /// `deaf`: nobody sends SIGHUP, only the watchdog can notice.
    pub(crate) fn by_a_closed_terminal(start: impl Fn(bool) -> Console) {
        for deaf in [false, true] {
            soon(|| {
                let mut console = start(deaf);
                let pid = console.pid();
                console.close();
                let (_, took) = console.end();
                assert!(!is_alive(pid));
                took
            });
        }
    }

    /// The terminal does not take what is written: a frozen window, a network that hangs.
    pub(crate) fn while_nothing_is_read(start: impl Fn(bool) -> Console) {
        soon(|| {
            let mut console = start(false);
            let gate = console.gate.clone();
            let held = gate.lock();
            for _ in 0..200 {
                console.type_keys("\x0c");
                console.watch(Duration::from_millis(18));
            }
            console.signal("TERM");
            let (status, took) = console.end();
            drop(held);
            assert_eq!(status, 143);
            took
        });
    }

    /// Ctrl-Z gives the terminal to the shell, `fg` takes it back, and the picture is whole again.
    pub(crate) fn and_back(start: impl Fn(bool) -> Console) {
        for by_key in [true, false] {
            soon(|| {
                let mut console = start(false);
                let before = console.text();
                if by_key {
                    console.type_keys("\x1a");
                } else {
                    console.signal("TSTP");
                }
                console.until("a stopped process", |c| is_stopped(c.pid()));
                console.until("the shell's screen", |c| !c.screen().alternate_screen());
                console.assert_given_back();
                console.signal("CONT");
                let lines = |text: &str| text.lines().next().map(|l| l.chars().take(20).collect::<String>());
                console.until("the console's screen", |c| {
                    c.screen().alternate_screen() && c.is_raw() && lines(&c.text()) == lines(&before)
                });
                console.assert_taken();
                console.type_keys("q");
                ends(console, 0)
            });
        }
    }
}

/// Whether the process only starts another one.
fn is_around(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    matches!(name.trim(), "setsid" | "sh")
}

/// Children of a process, as the system lists them.
fn children(pid: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether the process runs or sleeps: no zombie, not gone.
fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Whether the process is stopped.
fn is_stopped(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}
