//! The console on a pty of 120x40 beside a real ensemble: time to the first frame, idle CPU, bytes
//! to the terminal, resident memory, size of the binary.
//!
//! `cargo bench --bench console`

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops; figures go to stdout"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use support::{Deck, eventually, free_ports, jars, local_folder};

/// Time to settle, then time that is measured.
const SETTLE: Duration = Duration::from_secs(15);
const MEASURE: Duration = Duration::from_secs(30);
const QUIET: &str = "[workload]\nenabled = false\n";

/// User and system time of a process, from `/proc/<pid>/stat`; 100 ticks a second on Linux.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

fn wait_ready(deck: &Deck) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let url = format!("{}/readyz", deck.url);
    runtime.block_on(eventually("ready", Duration::from_secs(60), || async {
        let client = zkdeck::adapters::http::plain().build().ok()?;
        client.get(&url).send().await.ok().filter(|answer| answer.status().is_success()).map(drop)
    }));
}

fn main() {
    let jars = jars();
    let binary = env!("CARGO_BIN_EXE_zkdeck");
    let size = std::fs::metadata(binary).map_or(0, |file| file.len());
    println!("binary: {:.1} MB", size as f64 / 1e6);
    let folder = local_folder(&jars, QUIET);
    let daemon = Deck::daemon(folder.path(), &["--local"]);
    wait_ready(&daemon);

    let pty = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(binary);
    command.args(["--local", "--listen", &format!("127.0.0.1:{}", free_ports(1))]);
    command.cwd(folder.path());
    command.env("TERM", "xterm-256color");
    let mut reader = pty.master.try_clone_reader().unwrap();
    let begun = Instant::now();
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let pid = child.process_id().unwrap_or_default();
    let bytes = Arc::new(AtomicU64::new(0));
    let (first, framed) = mpsc::channel();
    let counted = Arc::clone(&bytes);
    let drain = std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        let mut text = Vec::new();
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            counted.fetch_add(count as u64, Ordering::Relaxed);
            if text.len() < 100_000 {
                text.extend_from_slice(&buffer[..count]);
                if text.windows(6).any(|window| window == b"Health") {
                    _ = first.send(begun.elapsed());
                    text.resize(100_000, 0);
                }
            }
        }
    });
    let frame = framed.recv_timeout(Duration::from_secs(10));
    println!("first frame: {:.1} ms", frame.map_or(f64::NAN, |at| at.as_secs_f64() * 1000.0));
    // A channel that nobody sends on is the clock of this measurement.
    let (_hold, clock) = mpsc::channel::<()>();
    _ = clock.recv_timeout(SETTLE);
    let (cpu_before, bytes_before, since) = (cpu(pid), bytes.load(Ordering::Relaxed), Instant::now());
    _ = clock.recv_timeout(MEASURE);
    let span = since.elapsed().as_secs_f64();
    println!("idle CPU: {:.2} % of a core", (cpu(pid) - cpu_before) / span * 100.0);
    println!("bytes to the terminal: {:.0} B/s", (bytes.load(Ordering::Relaxed) - bytes_before) as f64 / span);
    println!("resident: {:.1} MiB (daemon beside it: {:.1} MiB)", resident_mib(pid), resident_mib(daemon.child.id()));
    _ = child.kill();
    _ = child.wait();
    drop(pty.master);
    _ = drain.join();
    println!("the daemon ended in {:.1?}", daemon.terminate().0);
}
