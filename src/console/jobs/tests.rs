use std::sync::Arc;

use super::*;
use crate::console::fetch::Asked;
use crate::console::place::testing::Memory;
use crate::domain::fixtures;
use crate::domain::log::{LogEvent, LogPage, PageAsk};
use crate::engine::handle::testing::{Broken, remote_pair};
use crate::engine::handle::{Download, EngineRequest, HandleEnd, Put, Question};

/// Where the engine is that the jobs are done with.
#[derive(Clone, Copy, Debug)]
enum Way {
    Here,
    /// In another process, at the other end of a connection.
    Remote,
}

impl Way {
    async fn jobs(self) -> (Jobs, HandleEnd) {
        self.jobs_at(&Memory::default()).await
    }

    async fn jobs_at(self, place: &Memory) -> (Jobs, HandleEnd) {
        let first = Arc::new(fixtures::snapshot());
        let (handle, end) = match self {
            Self::Here => Handle::pair(first),
            Self::Remote => remote_pair(first).await,
        };
        (Jobs::new(handle, Arc::new(place.clone())), end)
    }
}

/// Every test with an engine of this process, and with one of another.
macro_rules! each_way {
    ($($name:ident: $clock:expr),* $(,)?) => {
        mod here {
            $(#[tokio::test(start_paused = $clock)]
            async fn $name() {
                super::$name(super::Way::Here).await;
            })*
        }

        mod remote {
            $(#[tokio::test(start_paused = $clock)]
            async fn $name() {
                super::$name(super::Way::Remote).await;
            })*
        }
    };
}

each_way! {
    a_refusal_is_told_and_a_batch_is_told_once: false,
    an_engine_that_does_not_answer_is_told: true,
    a_batch_waits_for_an_engine_that_is_busy_until_all_are_carried_out: true,
    waiting_for_a_busy_engine_has_an_end: true,
    only_the_newest_question_gets_its_answer: false,
    what_was_given_up_takes_no_place: false,
    a_question_too_many_is_told_to_whom_asks_it: false,
    a_download_never_overwrites_and_keeps_nothing_in_part: false,
    a_download_under_way_is_named_and_has_no_file_yet: false,
    an_upload_reads_the_file_and_a_missing_one_is_told: false,
    a_last_word_is_a_node_only_where_no_file_is_called_so: false,
}

fn said(done: Done) -> (Level, String) {
    match done {
        Done::Said(level, text) => (level, text),
        other => panic!("{other:?}"),
    }
}

async fn a_refusal_is_told_and_a_batch_is_told_once(way: Way) {
    let (mut jobs, mut end) = way.jobs().await;
    let node = fixtures::node_id("zk1");
    jobs.send(vec![Command::RunScheduler, Command::Drain { node }]).expect("room");
    let engine = async {
        let mut actors = Vec::new();
        for i in 0..2 {
            let Some(EngineRequest::Command { actor, reply, .. }) = end.requests.recv().await else {
                panic!("command")
            };
            actors.push(actor.0);
            let answer = Accepted { operation: None, message: "runs".into() };
            reply.send(if i == 0 { Ok(answer) } else { Err(Rejected::ReadOnly) }).expect("asked");
        }
        actors
    };
    let (done, actors) = tokio::join!(jobs.next(), engine);
    let (level, text) = said(done);
    assert!(level == Level::Error && actors[0].starts_with("console root"), "{actors:?}");
    assert!(text.starts_with("1 accepted, 1 refused; first: drain refused: this zkdeck runs with"), "{text}");
}

async fn an_engine_that_does_not_answer_is_told(way: Way) {
    let (mut jobs, _end) = way.jobs().await;
    jobs.send(vec![Command::RunScheduler]).expect("room");
    let (level, text) = said(jobs.next().await);
    assert_eq!(level, Level::Error);
    assert!(text.contains("no answer for 30 s"), "{text}");
}

/// More files may be marked than the engine moves at once.
async fn a_batch_waits_for_an_engine_that_is_busy_until_all_are_carried_out(way: Way) {
    let (mut jobs, mut end) = way.jobs().await;
    let files = (0..100).map(|n| Command::Delete { file: FileId::new(n) });
    jobs.send(files.collect()).expect("room");
    assert_eq!(jobs.under_way(), ["100 commands"]);
    let engine = async {
        let mut asked = 0;
        while let Some(EngineRequest::Command { reply, .. }) = end.requests.recv().await {
            asked += 1;
            let busy = Rejected::Busy { what: "operations under way".into(), limit: 64 };
            let takes = asked <= 64 || asked % 3 == 0;
            let answer = if takes { Ok(Accepted { operation: None, message: "begun".into() }) } else { Err(busy) };
            reply.send(answer).expect("asked");
        }
    };
    let done = tokio::select! {
        done = jobs.next() => done,
        () = engine => panic!("the console is gone"),
    };
    assert_eq!(said(done), (Level::Info, "100 commands accepted".into()));
    assert_eq!(jobs.under_way(), Vec::<String>::new());
}

async fn waiting_for_a_busy_engine_has_an_end(way: Way) {
    let (mut jobs, mut end) = way.jobs().await;
    let begun = Instant::now();
    jobs.send((0..100).map(|n| Command::Delete { file: FileId::new(n) }).collect()).expect("room");
    let engine = async {
        while let Some(EngineRequest::Command { reply, .. }) = end.requests.recv().await {
            let busy = Rejected::Busy { what: "operations under way".into(), limit: 64 };
            reply.send(Err(busy)).expect("asked");
        }
    };
    let done = tokio::select! {
        done = jobs.next() => done,
        () = engine => panic!("the console is gone"),
    };
    let (level, text) = said(done);
    assert_eq!(level, Level::Error);
    assert!(text.starts_with("0 accepted, 100 refused; first: delete refused: operations under way: "), "{text}");
    assert!(begun.elapsed() < BUSY_LIMIT + 2 * BUSY_PAUSE, "one limit for all");
}

/// The older one is given up, and whoever answers it learns so.
async fn only_the_newest_question_gets_its_answer(way: Way) {
    let (mut jobs, mut end) = way.jobs().await;
    let mut asked = Asked::default();
    for limit in [1, 2] {
        jobs.fetch(Box::new(asked.put(PageAsk { limit, ..PageAsk::default() })));
    }
    let engine = async {
        while let Some(Question::Page(Put { ask, reply })) = end.questions.recv().await {
            let events = vec![LogEvent::default(); ask.limit];
            _ = reply.send(Ok(LogPage { events, ..LogPage::default() }));
        }
    };
    let answers = async { [jobs.next().await, jobs.next().await] };
    let answers = tokio::select! {
        answers = answers => answers,
        () = engine => panic!("the console is gone"),
    };
    assert!(answers.iter().all(|done| matches!(done, Done::Answered)));
    assert_eq!(asked.take().map(|page| page.map(|page| page.events.len())), Some(Ok(2)));
    assert!(asked.take().is_none() && !asked.is_open());
}

/// What is pasted asks anew with each character, before anything is answered.
async fn what_was_given_up_takes_no_place(way: Way) {
    let (mut jobs, mut end) = way.jobs().await;
    let mut asked = Asked::default();
    // Some begin one by one, some all at once.
    for limit in 1..=RUNNING_MAX {
        jobs.fetch(Box::new(asked.put(PageAsk { limit, ..PageAsk::default() })));
    }
    let rest: Vec<_> = (1..=3).map(|limit| asked.put(PageAsk { limit, ..PageAsk::default() })).collect();
    rest.into_iter().for_each(|fetch| jobs.fetch(Box::new(fetch)));
    let engine = async {
        while let Some(Question::Page(Put { ask, reply })) = end.questions.recv().await {
            let events = vec![LogEvent::default(); ask.limit];
            _ = reply.send(Ok(LogPage { events, ..LogPage::default() }));
        }
    };
    let mut answer = None;
    let answers = async {
        while answer.is_none() {
            jobs.next().await;
            answer = asked.take();
        }
    };
    tokio::select! {
        () = answers => {}
        () = engine => panic!("the console is gone"),
    }
    assert_eq!(answer.map(|page| page.map(|page| page.events.len())), Some(Ok(3)));
}

async fn a_question_too_many_is_told_to_whom_asks_it(way: Way) {
    let (mut jobs, end) = way.jobs().await;
    let mut all: Vec<Asked<PageAsk>> = (0..=RUNNING_MAX).map(|_| Asked::default()).collect();
    for asked in &mut all {
        jobs.fetch(Box::new(asked.put(PageAsk::default())));
    }
    assert!(matches!(jobs.next().await, Done::Answered));
    let told = all.pop().and_then(|mut last| last.take()).expect("an end");
    assert!(told.is_err_and(|why| why.contains("search of the logs was given up; try again")));
    assert!(all.iter_mut().all(|asked| asked.take().is_none() && asked.is_open()));
    drop(end);
    assert!(matches!(jobs.next().await, Done::Answered));
    let ended: Vec<_> = all.iter_mut().filter_map(Asked::take).collect();
    let told = |end: &Result<LogPage, String>| end.as_ref().is_err_and(|why| why.contains("is ending"));
    assert!(!ended.is_empty() && ended.iter().all(told), "{ended:?}");
}

async fn a_download_never_overwrites_and_keeps_nothing_in_part(way: Way) {
    let place = Memory::default();
    let (mut jobs, mut end) = way.jobs_at(&place).await;
    let mut outcomes = Vec::new();
    // The bytes: good, good again, and broken in the middle.
    for (path, broken) in [("copy.bin", false), ("copy.bin", false), ("other", true)] {
        jobs.download(FileId::new(400), path.to_owned()).expect("room");
        let engine = async {
            let Some(EngineRequest::Download { reply, .. }) = end.requests.recv().await else { panic!("download") };
            let good = &b"bytes"[..];
            let bytes: ByteSource = if broken { Box::pin(good.chain(Broken("hash differs"))) } else { Box::pin(good) };
            let entry = Arc::new(fixtures::file(400, "zk1"));
            assert!(reply.send(Ok(Download { entry, bytes })).is_ok());
        };
        let (done, ()) = tokio::join!(jobs.next(), engine);
        outcomes.push(said(done));
    }
    assert_eq!(outcomes[0], (Level::Info, "saved copy.bin, 5 B".into()));
    assert_eq!(outcomes[1].1, "download to copy.bin failed: it exists; give another path");
    assert!(outcomes[2].1.contains("hash differs"), "{outcomes:?}");
    assert_eq!((place.bytes("copy.bin"), place.bytes("other")), (Some(b"bytes".to_vec()), None));
}

async fn a_download_under_way_is_named_and_has_no_file_yet(way: Way) {
    let place = Memory::default();
    let (mut jobs, mut end) = way.jobs_at(&place).await;
    jobs.download(FileId::new(400), "copy.bin".into()).expect("room");
    assert_eq!(jobs.under_way(), ["download to copy.bin"]);
    let (mut source, bytes) = tokio::io::duplex(64);
    let engine = async {
        let Some(EngineRequest::Download { reply, .. }) = end.requests.recv().await else { panic!("download") };
        let entry = Arc::new(fixtures::file(400, "zk1"));
        assert!(reply.send(Ok(Download { entry, bytes: Box::pin(bytes) })).is_ok());
        // All but the first of them are taken only when the first are on their way to the file.
        source.write_all(&[7; 1000]).await.expect("taken");
    };
    tokio::select! {
        done = jobs.next() => panic!("{done:?}"),
        () = engine => {}
    }
    assert_eq!(place.bytes("copy.bin"), None, "a file in part has not the name of a whole one");
}

async fn an_upload_reads_the_file_and_a_missing_one_is_told(way: Way) {
    let place = Memory::default();
    place.add("mine.bin", b"bytes");
    let (mut jobs, mut end) = way.jobs_at(&place).await;
    jobs.upload("mine.bin".into(), None).expect("room");
    let engine = async {
        let Some(EngineRequest::Upload { upload, mut bytes, reply, .. }) = end.requests.recv().await else {
            panic!("upload")
        };
        reply.send(Ok(Accepted { operation: None, message: "uploads".into() })).expect("asked");
        let mut text = String::new();
        bytes.read_to_string(&mut text).await.expect("read");
        (upload.name, upload.size_hint, text)
    };
    let (done, seen) = tokio::join!(jobs.next(), engine);
    assert_eq!(said(done), (Level::Info, "uploads".into()));
    assert_eq!(seen, ("mine.bin".into(), Some(5), "bytes".into()));
    jobs.upload("nobody".into(), None).expect("room");
    assert_eq!(said(jobs.next().await).1, "upload of nobody refused: it is not there");
}

async fn a_last_word_is_a_node_only_where_no_file_is_called_so(way: Way) {
    let place = Memory::default();
    place.add("mine", b"bytes");
    let (mut jobs, mut end) = way.jobs_at(&place).await;
    for (name, node) in [("mine", Some("zk1")), ("mine zk1", None)] {
        place.add(name, b"bytes");
        let (whole, path, to) = ("mine zk1".to_owned(), "mine".to_owned(), fixtures::node_id("zk1"));
        jobs.begin(Work::Upload { path: whole, to: Some((path, to)) }).expect("room");
        let engine = async {
            let Some(EngineRequest::Upload { upload, reply, .. }) = end.requests.recv().await else { panic!("upload") };
            reply.send(Ok(Accepted { operation: None, message: "uploads".into() })).expect("asked");
            (upload.name, upload.node.map(|node| node.to_string()))
        };
        let (_, seen) = tokio::join!(jobs.next(), engine);
        assert_eq!(seen, (name.to_owned(), node.map(str::to_owned)));
    }
}
