//! A slow link between the program and the terminal: what is written waits in it, as it does in a connection.

use std::collections::VecDeque;
use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// One way of a round trip of 100 ms.
const DELAY: Duration = Duration::from_millis(50);
const BYTES_PER_S: f64 = 20_000.0 / 8.0;
/// What the program asks the terminal, and what a terminal says.
const ASKED: &[u8] = b"\x1b[5n";
const ANSWER: &[u8] = b"\x1b[0n";

/// A program at the far end.
pub(super) struct Link {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    terminal: vt100::Parser,
    /// On its way here, with when it comes.
    coming: VecDeque<(Instant, Vec<u8>)>,
    /// On its way there.
    going: VecDeque<(Instant, Vec<u8>)>,
    /// When the line has carried all that was given to it.
    free: Instant,
    /// The end of what has come, for a question that is cut in two.
    tail: Vec<u8>,
}

impl Link {
    pub(super) fn open(folder: &Path, arguments: &[&str], (columns, rows): (u16, u16)) -> Self {
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("pty");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_zkdeck"));
        command.args(arguments);
        command.cwd(folder);
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("SSH_TTY", "/dev/pts/0")] {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("start");
        let mut reader = pair.master.try_clone_reader().expect("reader");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let cells = |n| std::num::NonZeroU16::new(n).expect("not 0");
        Self {
            child,
            keys: pair.master.take_writer().expect("writer"),
            _master: pair.master,
            output,
            terminal: vt100::Parser::new(cells(rows), cells(columns), 0),
            coming: VecDeque::new(),
            going: VecDeque::new(),
            free: Instant::now(),
            tail: Vec::new(),
        }
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.going.push_back((Instant::now() + DELAY, keys.as_bytes().to_vec()));
    }

    pub(super) fn text(&self) -> String {
        self.terminal.screen().contents()
    }

    /// Lets it work until the screen is as wanted, at most so long; how long it took.
    pub(super) fn until(&mut self, limit: Duration, wanted: impl Fn(&str) -> bool) -> Option<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if self.work(begun + limit) && wanted(&self.text()) {
                return Some(begun.elapsed());
            }
        }
        None
    }

    /// One thing that happens next; whether the screen has changed.
    fn work(&mut self, end: Instant) -> bool {
        let next = [self.coming.front(), self.going.front()].into_iter().flatten().map(|(at, _)| *at).min();
        let wait = next.unwrap_or(end).min(end).saturating_duration_since(Instant::now());
        if let Ok(bytes) = self.output.recv_timeout(wait) {
            for piece in bytes.chunks(64) {
                let took = Duration::from_secs_f64(piece.len() as f64 / BYTES_PER_S);
                self.free = self.free.max(Instant::now()) + took;
                self.coming.push_back((self.free + DELAY, piece.to_vec()));
            }
        }
        let now = Instant::now();
        while let Some(keys) = due(&mut self.going, now) {
            self.keys.write_all(&keys).expect("keys");
            self.keys.flush().expect("keys");
        }
        let mut changed = false;
        while let Some(bytes) = due(&mut self.coming, now) {
            self.terminal.process(&bytes);
            changed = true;
            self.tail.extend(bytes);
            let asked = self.tail.windows(ASKED.len()).filter(|window| *window == ASKED).count();
            for _ in 0..asked {
                self.going.push_back((now + DELAY, ANSWER.to_vec()));
            }
            let keep = if self.tail.ends_with(ASKED) { 0 } else { self.tail.len().min(ASKED.len() - 1) };
            self.tail.drain(..self.tail.len() - keep);
        }
        changed
    }
}

/// What has come by now.
fn due(queue: &mut VecDeque<(Instant, Vec<u8>)>, now: Instant) -> Option<Vec<u8>> {
    queue.front().filter(|(at, _)| *at <= now)?;
    queue.pop_front().map(|(_, bytes)| bytes)
}

impl Drop for Link {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
