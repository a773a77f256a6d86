//! The pane of files with a million of them, on the console's own loop: how long a key takes until its picture is
//! painted, while files go on changing. Lists are answered as the engine's desk answers them, on another thread.
//!
//! On 200x60 cells; p99 may be 2 ms.
//!
//! `cargo bench --bench files`, `cargo bench --bench files -- 10000` for as many files

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops; figures go to stdout"
)]

mod support;

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Runtime;
use zkdeck::console::input::{Key, KeyCode};
use zkdeck::console::order::{Order, Work};
use zkdeck::console::picture::{Easel, Picture, Size};
use zkdeck::console::theme::built_in::fallback;
use zkdeck::console::theme::depth::Depth;
use zkdeck::console::{Console, ConsoleConfig, panes};
use zkdeck::domain::event::{Event, Learned, Mark};
use zkdeck::domain::file::{FileEntry, FileRecord, Hash};
use zkdeck::domain::file_list::FileList;
use zkdeck::domain::ids::{AttemptId, Bytes, FileId, Timestamp};
use zkdeck::domain::snapshot::{SessionState, Snapshot};
use zkdeck::domain::state::State;
use zkdeck::engine::handle::{Handle, HandleEnd, Put, Question};

const FILES: u128 = 1_000_000;
const SCREEN: Size = Size { columns: 200, rows: 60 };
const NODES: u64 = 3;

fn file(at: u128, version: i32) -> FileEntry {
    let record = FileRecord {
        v: 1,
        name: format!("report-{:07}.bin", at.wrapping_mul(7919) % 10_000_000),
        owner: support::node((at as u64 + version as u64) % NODES),
        blob: AttemptId::new(at),
        size: Bytes((at % 4096) as u64),
        blake3: Hash([0; 32]),
        generation: version as u32 + 1,
        created_ms: Timestamp(at as u64),
        updated_ms: Timestamp(at as u64),
    };
    // Ids are spread as random ones are.
    FileEntry { id: FileId::new(at.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)), version, record }
}

fn state(files: u128) -> State {
    let mut state = support::state(NODES);
    state.apply(Event::Session { state: SessionState::Connected, cause: None }, Timestamp(0));
    let entries = (0..files).map(|at| file(at, 0)).collect();
    state.apply(Event::FilesLoaded { entries, unreadable: Vec::new(), since: Mark(0) }, Timestamp(0));
    state
}

/// The console, and what is beside it.
struct Bench {
    console: Console,
    easel: Easel,
    picture: Picture,
    snapshot: Arc<Snapshot>,
    handle: Handle,
    end: HandleEnd,
    runtime: Runtime,
    took: Vec<f64>,
}

impl Bench {
    /// Does something on the loop and paints; then whatever was asked is answered, and painted too.
    fn step(&mut self, act: impl FnOnce(&mut Console) -> Vec<Order>) {
        let mut orders = self.timed(act);
        while let Some(Order::Work(Work::Fetch(fetch))) = orders.pop() {
            let (handle, snapshot, questions) = (self.handle.clone(), &self.snapshot, &mut self.end.questions);
            let answer = async {
                match questions.recv().await {
                    Some(Question::Files(Put { ask, reply })) => {
                        reply.send(Ok(FileList::of(&snapshot.files, &ask.choice).window(&ask))).unwrap();
                    }
                    other => panic!("{other:?}"),
                }
            };
            self.runtime.block_on(async { tokio::join!(fetch.run(handle), answer) });
            orders.extend(self.timed(Console::take_answers));
        }
    }

    fn timed(&mut self, act: impl FnOnce(&mut Console) -> Vec<Order>) -> Vec<Order> {
        let begun = Instant::now();
        let orders = act(&mut self.console);
        let console = &self.console;
        self.easel.draw(SCREEN, &mut self.picture, |area, buffer| console.draw(area, buffer));
        self.took.push(begun.elapsed().as_secs_f64() * 1e3);
        orders
    }

    fn key(&mut self, code: KeyCode) {
        self.step(|console| console.key(Key::plain(code)));
    }
}

fn main() {
    let files = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(FILES);
    let mut state = state(files);
    let snapshot = Arc::new(state.snapshot(Timestamp(0)));
    let (handle, end) = Handle::pair(Arc::clone(&snapshot));
    let (config, styles) = (ConsoleConfig::default(), fallback(Depth::True, false));
    let console = Console::new(&config, panes::all(), styles, Arc::clone(&snapshot), Timestamp(0)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (easel, picture) = (Easel::default(), Picture::default());
    let mut bench = Bench { console, easel, picture, snapshot, handle, end, runtime, took: Vec::new() };
    bench.key(KeyCode::Char('2'));
    bench.took.clear();
    for round in 0..20 {
        // Ten a second are published: some keys come while files have changed.
        for change in 0..200 {
            let at = (round * 200 + change) * 131 % files;
            let event = Event::FileChanged { entry: Box::new(file(at, 1)), learned: Learned::Read(Mark(0)) };
            state.apply(event, Timestamp(round as u64 * 3_000));
        }
        bench.snapshot = Arc::new(state.snapshot(Timestamp(round as u64 * 3_000)));
        let snapshot = Arc::clone(&bench.snapshot);
        bench.step(|console| console.take_snapshot(snapshot, Timestamp(round as u64 * 3_000)));
        let keys = [KeyCode::Down; 20].into_iter().chain([KeyCode::PageDown; 10]).chain([KeyCode::Up; 5]);
        let jumps = [KeyCode::End, KeyCode::Up, KeyCode::Home, KeyCode::Char('o'), KeyCode::Char('/')];
        let filter = "node:zk2".chars().map(KeyCode::Char).chain([KeyCode::Esc]);
        keys.chain(jumps).chain(filter).for_each(|code| bench.key(code));
    }
    bench.took.sort_by(f64::total_cmp);
    let at = |share: f64| bench.took[((bench.took.len() - 1) as f64 * share) as usize];
    println!("{files} files, {} keys, pictures and answers: each with its painting", bench.took.len());
    println!("p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(0.5), at(0.95), at(0.99), at(1.0));
}
