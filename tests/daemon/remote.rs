//! A front of another process over a daemon's socket, on real servers: the console, files, commands.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncReadExt as _;
use zkdeck::adapters::daemon::Address;
use zkdeck::console::input::{Input, Key, KeyCode};
use zkdeck::console::picture::{Easel, Picture, Size};
use zkdeck::console::theme::built_in::fallback;
use zkdeck::console::theme::depth::Depth;
use zkdeck::console::{Console, ConsoleConfig, ConsoleSession, panes};
use zkdeck::domain::command::{Actor, Command, Stress};
use zkdeck::domain::ids::{Bytes, NodeId, Timestamp};
use zkdeck::domain::operation::OperationStatus;
use zkdeck::engine::handle::{Handle, Upload, connect};
use zkdeck::tui::place::Host;

use crate::end_to_end::{ALONE, QUIET, ready};
use crate::support::{Deck, jars, local_folder};

const SCREEN: Size = Size { columns: 120, rows: 40 };
const LIMIT: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

/// The pane of files, on a console whose engine is the daemon's: what it shows once all it asks for has come.
async fn files_pane(handle: &Handle, folder: &std::path::Path) -> String {
    let styles = fallback(Depth::True, false);
    let console = Console::new(&ConsoleConfig::default(), panes::all(), styles, handle.snapshot(), now()).unwrap();
    let mut session = ConsoleSession::new(
        console,
        handle.clone(),
        Arc::new(Host { user: "test".into(), settings: folder.join("zkdeck.toml"), kept: folder.to_owned() }),
    );
    session.begin(SCREEN);
    session.take(Input::Key(Key::plain(KeyCode::Char('2'))), SCREEN, now());
    let (mut easel, mut picture) = (Easel::default(), Picture::default());
    loop {
        session.paint(SCREEN, &mut easel, &mut picture);
        let rows =
            (0..SCREEN.rows).map(|row| picture.row(row).iter().map(|cell| cell.text.as_str()).collect::<String>());
        let shown = rows.collect::<Vec<_>>().join("\n");
        if shown.contains("of 21, by name") {
            return shown;
        }
        let done = tokio::time::timeout(LIMIT, session.done()).await.unwrap_or_else(|_| panic!("only:\n{shown}"));
        session.take_done(done, now());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_of_another_process_does_what_one_of_this_does() {
    let _alone = ALONE.lock().await;
    let folder = local_folder(&jars(), QUIET);
    let deck = Deck::daemon(folder.path(), &["--local"]);
    ready(&deck).await;
    let wrong = Address::new(&deck.url.replace("http://127.0.0.1:", "http://127.0.0.1:1"), None);
    assert!(wrong.is_err() || connect(wrong.unwrap().dial()).await.is_err(), "nobody listens there");
    let (handle, remote) = connect(Address::new(&deck.url, None).unwrap().dial()).await.unwrap();
    let front = async {
        let actor = || Actor("console test".into());
        let node = NodeId::new("zk2").unwrap();
        let stress = Stress { node, files: 20, size: Bytes(2048), trigger_scheduler: false };
        let mut stressed = handle.begin(Command::Stress(stress), actor()).await.unwrap();
        let ended = stressed.ended(LIMIT).await.expect("it ended");
        assert_eq!(ended.status, OperationStatus::Done, "{ended:?}");
        assert_eq!(ended.by, "console test at 127.0.0.1");

        let body: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        let upload = Upload { name: "mine.bin".into(), node: None, size_hint: Some(body.len() as u64), limit: None };
        let source = Box::pin(std::io::Cursor::new(body.clone()));
        let mut uploaded = handle.upload(upload, source, actor()).await.unwrap();
        let ended = uploaded.ended(LIMIT).await.expect("it ended");
        assert_eq!(ended.status, OperationStatus::Done, "{ended:?}");
        let snapshot = handle.current().await;
        assert_eq!(snapshot.files.len(), 21);
        let mine = snapshot.files.iter().find(|file| file.record.name == "mine.bin").expect("it is there");
        let mut download = handle.download(mine.id).await.unwrap();
        let mut read = Vec::new();
        download.bytes.read_to_end(&mut read).await.unwrap();
        assert!(read == body, "{} bytes of {}", read.len(), body.len());

        let shown = files_pane(&handle, folder.path()).await;
        assert!(shown.contains("mine.bin") && shown.contains("HEALTHY 3/3"), "{shown}");
        let (took, code) = deck.terminate();
        assert_eq!(code, Some(0), "after {took:?}");
        tokio::time::timeout(LIMIT, handle.stopping()).await.expect("the end is told");
    };
    tokio::join!(front, remote.run());
}
