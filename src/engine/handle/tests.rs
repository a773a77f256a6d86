use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use super::testing::{Broken, Connection, guest, remote_pair};
use super::wire::{EngineMessage, SILENCE, frame};
use super::*;
use crate::domain::ask::{OperationAsk, PlanAsk, Unanswered};
use crate::domain::command::{Confirmed, ServerAction};
use crate::domain::fixtures;
use crate::domain::ids::{OperationId, Timestamp};
use crate::domain::operation::{HistoryQuery, OperationKind};
use crate::domain::snapshot::SessionState;

fn actor() -> Actor {
    Actor("console root".into())
}

/// The two snapshots as a front sees them; counters are the daemon's own.
fn same(left: &Snapshot, right: &Snapshot) {
    let seen = |snapshot: &Snapshot| {
        let files: Vec<_> = snapshot.files.iter().cloned().collect();
        let bare = Snapshot { files: Default::default(), counters: Default::default(), ..snapshot.clone() };
        (snapshot.files.revision(), files, format!("{bare:?}"))
    };
    assert_eq!(seen(left), seen(right));
}

#[tokio::test]
async fn a_front_of_another_process_sees_every_snapshot_as_one_of_this_does() {
    let first = fixtures::snapshot();
    let (front, end) = remote_pair(Arc::new(first.clone())).await;
    same(&front.snapshot(), &first);
    let mut seen = front.snapshots();
    let mut next = first;
    for round in 1..=3 {
        next.revision += 1;
        next.taken_at = Timestamp(next.taken_at.0 + 1_000);
        next.files.insert(Arc::new(fixtures::file(round * 1_000, "zk2")));
        next.files.remove(FileId::new(400 + round));
        next.operations = [Arc::new(fixtures::operation(round, OperationKind::Migration, OperationStatus::Started))]
            .into_iter()
            .chain(next.operations.iter().cloned())
            .collect();
        next.files_read = (round % 2 == 0).then_some(next.taken_at);
        end.snapshots.send_replace(Arc::new(next.clone()));
        seen.changed().await.expect("told");
        same(&seen.borrow_and_update().clone(), &next);
    }
}

#[tokio::test]
async fn what_is_told_costs_what_changed_and_not_the_number_of_files() {
    let mut snapshot = fixtures::snapshot();
    for at in 0..10_000 {
        snapshot.files.insert(Arc::new(fixtures::file(1_000 + at, "zk1")));
    }
    let (engine, end) = Handle::pair(Arc::new(snapshot.clone()));
    let way = Connection::to(engine, guest());
    let front = way.connect().await.expect("connected");
    assert_eq!(front.snapshot().files.len(), 10_100);
    let mut seen = front.snapshots();
    let before = way.told.load(Ordering::Relaxed);
    snapshot.revision += 1;
    snapshot.files.insert(Arc::new(fixtures::file(1_000, "zk3")));
    end.snapshots.send_replace(Arc::new(snapshot.clone()));
    seen.changed().await.expect("told");
    let told = way.told.load(Ordering::Relaxed) - before;
    assert!(told < 600, "{told} bytes of {before}");
    same(&front.snapshot(), &snapshot);
}

/// The engine that a test plays: a row for each command, and who asked.
async fn carry_out(end: &mut HandleEnd) -> Actor {
    let Some(EngineRequest::Command { actor, rows, reply, .. }) = end.requests.recv().await else {
        panic!("a command")
    };
    let row = |status| Some(Arc::new(fixtures::operation(7, OperationKind::Drain, status)));
    reply.send(Ok(Accepted { operation: Some(OperationId::new(7)), message: "drains".into() })).expect("asked");
    let rows = rows.expect("somebody waits");
    rows.send_replace(row(OperationStatus::Started));
    tokio::task::yield_now().await;
    rows.send_replace(row(OperationStatus::Done));
    actor
}

#[tokio::test]
async fn a_command_is_carried_out_and_its_end_is_told() {
    let (front, mut end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let command = async {
        let mut pending = front.begin(Command::RunScheduler, actor()).await.expect("accepted");
        pending.ended(Duration::from_secs(5)).await.expect("it ended")
    };
    let (row, by) = tokio::join!(command, carry_out(&mut end));
    assert_eq!((row.id, row.status), (OperationId::new(7), OperationStatus::Done));
    assert_eq!(by.0, "console root at 10.0.0.7");
    let refused = async { front.send(Command::StopRun, actor()).await.expect_err("refused") };
    let engine = async {
        let Some(EngineRequest::Command { reply, .. }) = end.requests.recv().await else { panic!("a command") };
        let field = Rejected::InvalidField { field: "files".into(), rule: "must be 1 to 9".into() };
        reply.send(Err(field)).expect("asked");
    };
    let (why, ()) = tokio::join!(refused, engine);
    assert_eq!(why, Rejected::InvalidField { field: "files".into(), rule: "must be 1 to 9".into() });
}

#[tokio::test]
async fn questions_are_answered_at_once_or_refused_in_their_own_words_and_can_be_given_up() {
    let (front, mut end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let engine = async {
        let Some(Question::Plan(mut given_up)) = end.questions.recv().await else { panic!("a plan") };
        let Some(Question::History(refused)) = end.questions.recv().await else { panic!("history") };
        let why = Unanswered::NoSuchRow(OperationId::new(3));
        refused.reply.send(Err(why)).expect("asked");
        let Some(Question::Operation(Put { ask, reply })) = end.questions.recv().await else { panic!("a row") };
        reply
            .send(Ok(Some(Arc::new(fixtures::operation(
                ask.0.bits(),
                OperationKind::Migration,
                OperationStatus::Done,
            )))))
            .expect("asked");
        given_up.reply.closed().await;
    };
    let fronts = async {
        let plan = front.ask(PlanAsk);
        let others = async {
            let refused = front.ask(HistoryQuery::default()).await;
            (refused, front.ask(OperationAsk(OperationId::new(5))).await)
        };
        tokio::select! {
            biased;
            _ = plan => panic!("nobody answers it"),
            others = others => others,
        }
    };
    let ((refused, row), ()) = tokio::join!(fronts, engine);
    assert_eq!(refused, Err(Unanswered::NoSuchRow(OperationId::new(3))));
    assert_eq!(row.map(|row| row.map(|row| row.id)), Ok(Some(OperationId::new(5))));
}

/// Takes an upload in as an engine does: accepted first, then read.
async fn read_in(end: &mut HandleEnd) -> (Upload, std::io::Result<Vec<u8>>) {
    let Some(EngineRequest::Upload { upload, mut bytes, rows, reply, .. }) = end.requests.recv().await else {
        panic!("an upload")
    };
    reply.send(Ok(Accepted { operation: Some(OperationId::new(9)), message: "uploads".into() })).expect("asked");
    let mut all = Vec::new();
    let read = bytes.read_to_end(&mut all).await;
    let status = if read.is_ok() { OperationStatus::Done } else { OperationStatus::Failed };
    rows.expect("asked").send_replace(Some(Arc::new(fixtures::operation(9, OperationKind::Upload, status))));
    (upload, read.map(|_| all))
}

#[tokio::test]
async fn a_file_comes_in_whole_or_not_at_all() {
    let (front, mut end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let upload = Upload { name: "mine".into(), node: None, size_hint: Some(5), limit: None };
    let body: Vec<u8> = (0..1_000_000u32).map(|at| at as u8).collect();
    for broken in [false, true] {
        let (mut source, bytes) = tokio::io::duplex(4096);
        let bytes: ByteSource = if broken { Box::pin(bytes.chain(Broken("the disk broke"))) } else { Box::pin(bytes) };
        let given = async {
            source.write_all(&body).await.expect("taken");
            drop(source);
        };
        let sent = async {
            let mut pending = front.upload(upload.clone(), bytes, actor()).await.expect("accepted");
            pending.ended(Duration::from_secs(5)).await.expect("it ended").status
        };
        let (status, (seen, read), ()) = tokio::join!(sent, read_in(&mut end), given);
        assert_eq!(seen, Upload { limit: Some(1 << 30), ..upload.clone() });
        if broken {
            assert_eq!(status, OperationStatus::Failed);
            assert_eq!(read.expect_err("broken").to_string(), "the disk broke");
        } else {
            assert_eq!((status, read.expect("whole") == body), (OperationStatus::Done, true));
        }
    }
}

/// A disk may take longer than a front waits for a word, which has sent all meanwhile.
#[tokio::test(start_paused = true)]
async fn a_file_comes_in_whole_however_long_the_disk_takes() {
    let (front, end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let HandleEnd { mut requests, mut questions, .. } = end;
    let upload = Upload { name: "mine".into(), node: None, size_hint: None, limit: None };
    let body = vec![7; 640 * 1024];
    let slow = async {
        let Some(EngineRequest::Upload { mut bytes, rows, reply, .. }) = requests.recv().await else {
            panic!("an upload")
        };
        reply.send(Ok(Accepted { operation: Some(OperationId::new(9)), message: "uploads".into() })).expect("asked");
        let mut all = Vec::new();
        for _ in 0..2 {
            tokio::time::sleep(SILENCE * 3).await;
            bytes.read_buf(&mut all).await.expect("they came");
        }
        bytes.read_to_end(&mut all).await.expect("they came");
        let done = fixtures::operation(9, OperationKind::Upload, OperationStatus::Done);
        rows.expect("asked").send_replace(Some(Arc::new(done)));
        all.len()
    };
    let sent = async {
        let mut pending =
            front.upload(upload, Box::pin(std::io::Cursor::new(body.clone())), actor()).await.expect("accepted");
        pending.ended(SILENCE * 10).await.map(|row| row.status)
    };
    // Who waits looks into history now and then.
    let history = async {
        while let Some(Question::Operation(asked)) = questions.recv().await {
            asked.reply.send(Ok(None)).expect("asked");
        }
    };
    tokio::select! {
        ended = async { tokio::join!(sent, slow) } => assert_eq!(ended, (Some(OperationStatus::Done), body.len())),
        () = history => panic!("the front is there"),
    }
}

/// The line is slow, and there are many files.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "what a test runs beside itself ends with its runtime")]
async fn a_front_whose_first_picture_takes_long_is_not_taken_for_silent() {
    let mut snapshot = fixtures::snapshot();
    for id in 0..60_000 {
        snapshot.files.insert(Arc::new(fixtures::file(id, "zk1")));
    }
    let (engine, _end) = Handle::pair(Arc::new(snapshot));
    let dialled = Arc::new(AtomicUsize::new(0));
    let dials = Arc::clone(&dialled);
    let dial: Dial = Arc::new(move || {
        dials.fetch_add(1, Ordering::Relaxed);
        let ((near, mut middle_near), (mut middle_far, far)) = (Link::pair(), Link::pair());
        tokio::spawn(serve(engine.clone(), far, guest()));
        tokio::spawn(async move {
            loop {
                let sent = tokio::select! {
                    biased;
                    said = middle_near.next() => match said {
                        Some(frame) => middle_far.send(frame).await,
                        None => break,
                    },
                    said = middle_far.next() => {
                        tokio::time::sleep(Duration::from_secs(3)).await;
                        match said {
                            Some(frame) => middle_near.send(frame).await,
                            None => break,
                        }
                    }
                };
                if sent.is_err() {
                    break;
                }
            }
        });
        std::future::ready(Ok(near)).boxed()
    });
    let (front, remote) = connect(dial).await.expect("connected");
    tokio::time::timeout(SILENCE * 6, remote.run()).await.expect_err("it goes on");
    assert_eq!((dialled.load(Ordering::Relaxed), front.snapshot().files.len()), (1, 60_000));
}

/// So many questions that some of them wait for others.
#[tokio::test(start_paused = true)]
async fn a_front_that_asks_much_is_answered_and_may_give_up() {
    let (front, end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let HandleEnd { mut questions, .. } = end;
    let ask = |at| {
        let front = front.clone();
        async move { front.ask(OperationAsk(OperationId::new(at))).await.is_ok_and(|row| row.is_some()) }
    };
    let fronts = async {
        let given_up = futures_util::future::join_all((1_000..1_300).map(ask));
        _ = tokio::time::timeout(SILENCE * 3, given_up).await.expect_err("nobody answers these");
        let mut answered = Vec::new();
        for first in (0..300).step_by(10) {
            answered.extend(futures_util::future::join_all((first..first + 10).map(ask)).await);
        }
        answered
    };
    let engine = async {
        let mut left = Vec::new();
        while let Some(Question::Operation(Put { ask, reply })) = questions.recv().await {
            match ask.0.bits() {
                1_000.. => left.push(reply),
                id => {
                    let row = fixtures::operation(id, OperationKind::Upload, OperationStatus::Done);
                    _ = reply.send(Ok(Some(Arc::new(row))));
                }
            }
        }
    };
    tokio::select! {
        answered = fronts => assert_eq!(answered, vec![true; 300]),
        () = engine => panic!("the front is there"),
    }
}

#[tokio::test]
async fn a_file_whose_connection_breaks_is_never_taken_for_whole() {
    let (engine, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
    let way = Connection::to(engine, guest());
    let front = way.connect().await.expect("connected");
    let (mut source, bytes) = tokio::io::duplex(4096);
    let upload = Upload { name: "mine".into(), node: None, size_hint: None, limit: None };
    let broken_off = async {
        let Some(EngineRequest::Upload { mut bytes, reply, rows: _rows, .. }) = end.requests.recv().await else {
            panic!("an upload")
        };
        reply.send(Ok(Accepted { operation: Some(OperationId::new(9)), message: "uploads".into() })).expect("asked");
        let mut first = [0; 1000];
        bytes.read_exact(&mut first).await.expect("they came");
        way.cut();
        bytes.read_to_end(&mut Vec::new()).await.expect_err("broken off").to_string()
    };
    let sent = async {
        let accepted = front.upload(upload, Box::pin(bytes), actor()).await.map(|pending| pending.accepted.message);
        source.write_all(&[7; 1000]).await.expect("taken");
        accepted
    };
    let (why, accepted) = tokio::join!(broken_off, sent);
    assert_eq!(accepted, Ok("uploads".into()));
    assert_eq!(why, "the connection ended before the file's bytes did");
}

/// Damaged bytes are read to their end before they are refused, and a disk may take its time.
#[tokio::test(start_paused = true)]
async fn a_file_goes_out_however_long_the_disk_takes() {
    let (front, end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let HandleEnd { mut requests, .. } = end;
    let (mut disk, bytes) = tokio::io::duplex(64);
    let engine = async {
        let Some(EngineRequest::Download { reply, .. }) = requests.recv().await else { panic!("a download") };
        tokio::time::sleep(SILENCE * 2).await;
        let entry = Arc::new(fixtures::file(400, "zk1"));
        assert!(reply.send(Ok(Download { entry, bytes: Box::pin(bytes) })).is_ok());
        for _ in 0..2 {
            tokio::time::sleep(SILENCE * 2).await;
            disk.write_all(b"half").await.expect("read");
        }
        drop(disk);
    };
    let fetched = async {
        let mut download = front.download(FileId::new(400)).await.expect("it is there");
        let mut all = Vec::new();
        download.bytes.read_to_end(&mut all).await.expect("whole");
        all
    };
    let (all, ()) = tokio::join!(fetched, engine);
    assert_eq!(all, b"halfhalf");
}

/// An upload whose process leaves it to another one may have no last row.
#[tokio::test(start_paused = true)]
async fn an_upload_that_nobody_waits_for_keeps_no_place() {
    let uploads = Arc::new(Semaphore::new(1));
    let (engine, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
    let way = Connection::to(engine, Guest { uploads: (Arc::clone(&uploads), 1), ..guest() });
    let front = way.connect().await.expect("connected");
    let upload = Upload { name: "mine".into(), node: None, size_hint: None, limit: None };
    let taken = async {
        let Some(EngineRequest::Upload { mut bytes, reply, rows, .. }) = end.requests.recv().await else {
            panic!("an upload")
        };
        reply.send(Ok(Accepted { operation: Some(OperationId::new(9)), message: "uploads".into() })).expect("asked");
        bytes.read_to_end(&mut Vec::new()).await.expect("whole");
        rows
    };
    let sent = front.upload(upload, Box::pin(std::io::Cursor::new(vec![7; 9])), actor());
    let (pending, _rows) = tokio::join!(sent, taken);
    assert_eq!(uploads.available_permits(), 0);
    drop(pending);
    let freed = tokio::time::timeout(SILENCE, uploads.acquire()).await;
    assert!(freed.is_ok_and(|place| place.is_ok()));
}

#[tokio::test]
async fn a_file_goes_out_whole_or_says_why_not() {
    let (front, mut end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let body = vec![7; 300_000];
    for broken in [false, true] {
        let engine = async {
            let Some(EngineRequest::Download { reply, .. }) = end.requests.recv().await else { panic!("a download") };
            let whole = std::io::Cursor::new(body.clone());
            let bytes: ByteSource =
                if broken { Box::pin(whole.chain(Broken("the disk broke"))) } else { Box::pin(whole) };
            let entry = Arc::new(fixtures::file(400, "zk1"));
            assert!(reply.send(Ok(Download { entry, bytes })).is_ok());
        };
        let fetched = async {
            let mut download = front.download(FileId::new(400)).await.expect("found");
            let mut all = Vec::new();
            let read = download.bytes.read_to_end(&mut all).await;
            (download.entry.id, read.map(|_| all))
        };
        let ((id, read), ()) = tokio::join!(fetched, engine);
        assert_eq!(id, fixtures::file(400, "zk1").id);
        match read {
            Ok(all) => assert!(!broken && all == body),
            Err(error) => assert!(broken && error.to_string() == "the disk broke", "{error}"),
        }
    }
    let refused = async { front.download(FileId::new(1)).await.map(drop).expect_err("gone") };
    let engine = async {
        let Some(EngineRequest::Download { file, reply }) = end.requests.recv().await else { panic!("a download") };
        assert!(reply.send(Err(Rejected::UnknownFile { given: file })).is_ok());
    };
    assert_eq!(tokio::join!(refused, engine).0, Rejected::UnknownFile { given: FileId::new(1) });
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_told_and_made_anew() {
    let (engine, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
    let way = Connection::to(engine, guest());
    let front = way.connect().await.expect("connected");
    let mut seen = front.snapshots();
    let asked = front.ask(PlanAsk);
    let cut = async {
        let Some(Question::Plan(put)) = end.questions.recv().await else { panic!("a plan") };
        way.cut();
        put
    };
    let (answer, put) = tokio::join!(asked, cut);
    let refused = answer.expect_err("nobody could answer").to_string();
    assert!(
        refused.contains("the connection to the daemon ended; the connection is made again automatically"),
        "{refused}"
    );
    // The engine learns that nobody waits when it is done with the connection.
    drop(put);
    let lost = seen.wait_for(|seen| seen.session.state == SessionState::Disconnected).await.expect("told").clone();
    assert_eq!(lost.session.cause.as_deref(), Some("the connection to the daemon ended"));
    let refused = front.send(Command::RunScheduler, actor()).await.expect_err("no connection");
    assert_eq!(refused.code(), "unreachable");
    seen.wait_for(|seen| seen.session.state == SessionState::Connected).await.expect("anew");
    let command = async { front.begin(Command::RunScheduler, actor()).await.map(|pending| pending.accepted.message) };
    let (accepted, _) = tokio::join!(command, carry_out(&mut end));
    assert_eq!(accepted, Ok("drains".into()));
}

#[tokio::test]
async fn the_end_of_the_engine_is_told_and_the_end_of_a_front_is_not_the_engines() {
    let (engine, end) = Handle::pair(Arc::new(fixtures::snapshot()));
    let way = Connection::to(engine, guest());
    let (first, second) = (way.connect().await.expect("connected"), way.connect().await.expect("connected"));
    first.shut_down();
    first.stopping().await;
    assert!(!end.stop.is_cancelled());
    let told = first.ask(PlanAsk).await.expect_err("it ends");
    assert_eq!(told, Rejected::ShuttingDown);
    end.stop.cancel();
    second.stopping().await;
    assert_eq!(second.ask(PlanAsk).await.expect_err("it ended").code(), "shutting-down");
}

/// It was taken, and the daemon ended before it said so: whether it is carried out is not known.
#[tokio::test]
async fn a_command_without_an_answer_at_the_end_of_the_daemon_is_not_told_as_refused() {
    let (front, mut end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let asked = async {
        let Some(EngineRequest::Command { reply, .. }) = end.requests.recv().await else { panic!("a command") };
        end.stop.cancel();
        reply
    };
    let (answer, _reply) = tokio::join!(front.send(Command::RunScheduler, actor()), asked);
    let why = answer.expect_err("no answer").to_string();
    assert!(why.contains("it may have been carried out"), "{why}");
}

#[tokio::test]
async fn another_language_is_refused_with_both_versions() {
    let dial: Dial = Arc::new(|| {
        let (near, mut far) = Link::pair();
        async move {
            far.send(frame(&EngineMessage::Hello { language: 99, version: "9.9.9".into() })?).await?;
            Ok(near)
        }
        .boxed()
    });
    let why = connect(dial).await.map(drop).expect_err("another language").to_string();
    assert!(why.contains("zkdeck 9.9.9") && why.contains(env!("CARGO_PKG_VERSION")), "{why}");
}

#[tokio::test]
async fn a_guest_may_no_more_than_it_was_let() {
    let (engine, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
    let guest = Guest { upload_limit: 10, no_control: Some("it was turned off"), ..guest() };
    let front = Connection::to(engine, guest).connect().await.expect("connected");
    let node = fixtures::node_id("zk1");
    let stop = Command::Server { node, action: ServerAction::Stop, confirmed: Confirmed::Named };
    let refused = front.send(stop, actor()).await.expect_err("no control");
    assert_eq!(refused, Rejected::ControlOff { cause: "it was turned off".into() });
    let upload = Upload { name: "mine".into(), node: None, size_hint: None, limit: Some(99) };
    let sent = front.upload(upload, Box::pin(&b"bytes"[..]), actor());
    let seen = async {
        let Some(EngineRequest::Upload { upload, reply, .. }) = end.requests.recv().await else { panic!("an upload") };
        assert!(reply.send(Err(Rejected::ReadOnly)).is_ok());
        upload.limit
    };
    let (sent, limit) = tokio::join!(sent, seen);
    assert_eq!((sent.map(drop), limit), (Err(Rejected::ReadOnly), Some(10)));
}

#[tokio::test]
async fn the_end_of_the_program_ends_an_upload_with_that_reason() {
    let (front, mut end) = remote_pair(Arc::new(fixtures::snapshot())).await;
    let upload = Upload { name: "mine".into(), node: None, size_hint: None, limit: None };
    let (_source, bytes) = tokio::io::duplex(64);
    let engine = async {
        let Some(EngineRequest::Upload { mut bytes, reply, rows: _rows, .. }) = end.requests.recv().await else {
            panic!("an upload")
        };
        reply.send(Ok(Accepted { operation: Some(OperationId::new(9)), message: "uploads".into() })).expect("asked");
        end.stop.cancel();
        BodyFault::of(&bytes.read_to_end(&mut Vec::new()).await.expect_err("it ends"))
    };
    // Whether the front still hears that it was accepted is a matter of which end comes first.
    let (_, fault) = tokio::join!(front.upload(upload, Box::pin(bytes), actor()), engine);
    assert_eq!(fault, BodyFault::Ending);
}
