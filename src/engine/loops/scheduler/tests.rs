//! Runs of several batches over a fake ensemble and a real folder: stopped, paused, cut off, failed.

use std::path::Path;

use tokio::sync::watch;

use super::*;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::file::{FileEntry, Hash, blob_name};
use crate::domain::fixtures::{NOW, file, node_id};
use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::node::{NodeCondition, NodeRecord, NodeState};
use crate::domain::operation::{Operation, OperationKind};
use crate::domain::placement::Placement;
use crate::domain::planner::{NodeInput, Policy, plan};
use crate::domain::scheduler::MoveReason;
use crate::engine::context::testing::context;
use crate::engine::context::{Draining, Inquiry};
use crate::engine::files::PARALLEL;

/// Files of three batches: all on zk1.
const FILES: u128 = 3 * BATCH as u128;

/// A scheduler, and who answers its questions as the core would.
struct Desk {
    scheduler: SchedulerLoop,
    port: SchedulerPort,
    ctx: Context,
    registry: Registry,
    publish: watch::Sender<Option<Registry>>,
    inquiries: mpsc::Receiver<Inquiry>,
    heard: mpsc::Receiver<Event>,
    nodes: [NodeId; 2],
    files: BTreeMap<FileId, Arc<FileEntry>>,
    fence: Fence,
    paused: bool,
    draining: bool,
    rows: Vec<Operation>,
    _folder: tempfile::TempDir,
}

/// Bytes and record of a file, as an upload leaves them.
async fn store(registry: &Registry, uploads: &Path, id: u128, bytes: &[u8], fence: &Fence) -> FileEntry {
    let mut entry = file(id, "zk1");
    entry.record.size = Bytes(bytes.len() as u64);
    entry.record.blake3 = Hash(*blake3::hash(bytes).as_bytes());
    std::fs::write(uploads.join("zk1").join(blob_name(entry.id, entry.record.blob)), bytes).unwrap();
    registry.uploaded(&entry, fence).await;
    entry
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nodes = ["zk1", "zk2"].map(node_id);
        // Few places, so that a batch cannot end before the one before it was heard of; more than copies that
        // may wait to tell at the same time.
        let (events, heard) = mpsc::channel(2 * PARALLEL);
        let (publish, link) = watch::channel(None);
        let (mut ctx, _clerk) = context(folder.path(), &nodes, events, link);
        let (asks_tx, inquiries) = mpsc::channel(1);
        ctx.inquiries = asks_tx;
        let zk = ZkConfig::default();
        let registry = Registry::open(Arc::new(FakeEnsemble::calm().connect(&zk.root)), &zk).await.unwrap();
        let mut fence = Fence { epoch: None, nodes: Vec::new() };
        for node in &nodes {
            fence.nodes.push((node.clone(), registry.ensure_node(node).await.unwrap().1));
        }
        let mut files = BTreeMap::new();
        for id in 1..=FILES {
            let entry = store(&registry, &folder.path().join("uploads"), id, &id.to_le_bytes(), &fence).await;
            files.insert(entry.id, Arc::new(entry));
        }
        fence.epoch = Some(registry.bump_epoch().await.unwrap());
        publish.send_replace(Some(registry.clone()));
        let (mut scheduler, port) = SchedulerLoop::new(ctx.clone());
        // It has led for a while.
        scheduler.led = true;
        let (paused, draining, rows) = (false, false, Vec::new());
        let _folder = folder;
        Self {
            scheduler,
            port,
            ctx,
            registry,
            publish,
            inquiries,
            heard,
            nodes,
            files,
            fence,
            paused,
            draining,
            rows,
            _folder,
        }
    }

    /// What a run would do now: zk2 takes all but as many as `keep`.
    fn plan(&self, condition: NodeCondition) -> PlanAnswer {
        let mut placement = Placement::default();
        for entry in self.files.values() {
            let record = &entry.record;
            placement.upsert(entry.id, &record.owner, record.size, record.updated_ms, 0);
        }
        let input = |(id, condition): (&NodeId, NodeCondition)| NodeInput {
            id: id.clone(),
            weight: 100,
            condition,
            in_flight_in: 0,
            in_flight_out: 0,
        };
        let policy = Policy {
            trigger: 5,
            settle: 1,
            nodes: self.nodes.iter().zip([condition, NodeCondition::Active]).map(input).collect(),
            now: NOW,
            cool_down: Millis(0),
            busy: Vec::new(),
        };
        let plan = plan(&placement, &policy);
        let entries = plan.moves.iter().map(|planned| Arc::clone(&self.files[&planned.file])).collect();
        PlanAnswer {
            cannot: None,
            max_difference: plan.spread_before,
            plan: Some(plan),
            entries,
            fence: self.fence.clone(),
            threshold: 5,
            paused: self.paused,
        }
    }

    fn drains(&self) -> Vec<Draining> {
        let state = NodeState::Draining { since_ms: NOW, files_at_start: 4, operation: OperationId::new(4) };
        let left = self.files.values().filter(|entry| entry.record.owner == self.nodes[0]).count() as u64;
        let draining = (self.nodes[0].clone(), NodeRecord { state, ..NodeRecord::default() }, left);
        if self.draining { vec![draining] } else { Vec::new() }
    }

    /// Lets the scheduler do what it was asked for; `hear` is told every event.
    async fn turn(&mut self, asked: bool, mut hear: impl FnMut(&Event, &SchedulerPort)) -> Option<Arc<Run>> {
        let condition = if self.draining { NodeCondition::Draining } else { NodeCondition::Active };
        let (mut plan, drains) = (Some(self.plan(condition)), self.drains());
        let (ctx, port) = (self.ctx.clone(), self.port.clone());
        let (scheduler, inquiries, heard) = (&mut self.scheduler, &mut self.inquiries, &mut self.heard);
        let (files, rows) = (&mut self.files, &mut self.rows);
        let mut last = None;
        let work = async {
            let asking = async { if asked { port.run(&ctx, "a person").await.ok() } else { None } };
            let turning = async {
                scheduler.wait().await;
                scheduler.turn().await.unwrap();
            };
            tokio::join!(asking, turning).0
        };
        let core = async {
            loop {
                tokio::select! {
                    Some(inquiry) = inquiries.recv() => match inquiry {
                        Inquiry::Plan { reply } => plan.take().map_or_else(|| panic!("one plan a turn"), |plan| _ = reply.send(plan)),
                        Inquiry::Drains { reply } => _ = reply.send(drains.clone()),
                        Inquiry::Preview { .. } | Inquiry::Fence { .. } | Inquiry::Emptiest { .. } => panic!("not asked by a scheduler"),
                    },
                    Some(event) = heard.recv() => {
                        hear(&event, &port);
                        match event {
                            Event::FileChanged { entry, .. } => _ = files.insert(entry.id, Arc::new(*entry)),
                            Event::Operation(row) => rows.push(*row),
                            Event::RunEnded(run) => last = Some(run),
                            _ => {}
                        }
                    }
                }
            }
        };
        let answered = tokio::select! {
            answered = work => answered,
            () = core => None,
        };
        answered.or(last)
    }

    fn on(&self, node: usize) -> u64 {
        self.files.values().filter(|entry| entry.record.owner == self.nodes[node]).count() as u64
    }

    fn last_row(&self) -> Option<&Operation> {
        self.rows.iter().rev().find(|row| row.kind == OperationKind::Scheduler)
    }

    /// Status of the newest row of a run.
    fn row(&self) -> Option<OperationStatus> {
        self.last_row().map(|row| row.status)
    }

    /// HTTP status and code of the newest row of a run.
    fn answer(&self) -> Option<(u16, &'static str)> {
        self.last_row().map(|row| (row.outcome().http, row.outcome().code))
    }
}

fn half() -> u64 {
    FILES as u64 / 2
}

#[tokio::test(start_paused = true)]
async fn a_run_makes_every_batch_and_is_done() {
    let mut desk = Desk::new().await;
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.moves_planned, run.moves_done, run.moves_failed), (Decision::Ran, half(), half(), 0));
    assert_eq!((desk.on(0), desk.on(1)), (half(), half()));
    assert_eq!(desk.row(), Some(OperationStatus::Done));
    let again = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((again.decision, again.moves_planned), (Decision::Balanced, 0));
    assert_eq!(desk.row(), Some(OperationStatus::None));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_run_after_its_batch_and_not_the_next_one() {
    let mut desk = Desk::new().await;
    desk.draining = true;
    let stop = |event: &Event, port: &SchedulerPort| {
        if matches!(event, Event::RunProgress { .. }) {
            port.stop_run();
        }
    };
    desk.scheduler.next = Some(Instant::now() + Duration::from_secs(1));
    let run = desk.turn(true, stop).await.unwrap();
    assert!(desk.scheduler.next.is_some_and(|next| next > Instant::now() + Duration::from_secs(10)), "in a moment");
    assert_eq!((run.decision, run.moves_planned, run.moves_failed), (Decision::Stopped, FILES as u64, 0));
    assert!(run.moves_done >= BATCH as u64 && run.moves_done < FILES as u64, "{run:?}");
    assert_eq!((desk.on(1), desk.row()), (run.moves_done, Some(OperationStatus::Aborted)));
    assert_eq!(desk.answer(), Some((409, "stopped")));
    let rest = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((rest.decision, rest.moves_done), (Decision::Ran, FILES as u64 - run.moves_done));
    assert_eq!(desk.on(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_large_run_does_not_begin_while_a_server_is_short_of_heap() {
    let mut desk = Desk::new().await;
    let picture = desk.ctx.snapshot();
    let mut servers = picture.servers.to_vec();
    let first = &mut servers[0];
    (first.short_of_heap, first.heap_used, first.heap_max) = (true, Some(95 << 20), Some(100 << 20));
    let short = Snapshot { servers: servers.into(), ..Snapshot::clone(&picture) };
    desk.scheduler.ctx.snapshots = watch::channel(Arc::new(short)).1;
    desk.draining = true;
    let of_before = std::mem::take(&mut desk.files);
    desk.files = (1..=u128::from(LARGE_RUN) + 1).map(|id| (FileId::new(id), Arc::new(file(id, "zk1")))).collect();
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.moves_done, desk.on(1)), (Decision::Stopped, 0, 0));
    assert!(run.note.as_deref().is_some_and(|note| note.contains("short of memory")), "{run:?}");
    let left = LARGE_RUN as usize;
    assert!(desk.scheduler.may_not_go_on(left + 1).is_some() && desk.scheduler.may_not_go_on(left).is_none());
    desk.files = of_before;
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.moves_done), (Decision::Ran, FILES as u64), "a small one goes on");
}

/// Whoever was given the operation's address finds it there while the run goes on.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_asked_for_has_its_row_from_the_beginning() {
    let mut desk = Desk::new().await;
    let (ctx, port, id) = (desk.ctx.clone(), desk.port.clone(), clock::new_operation());
    let asked = async { port.run_as(&ctx, id, "a person").await };
    let told = async {
        // The scheduler has not been let do anything yet.
        while let Some(event) = desk.heard.recv().await {
            if let Event::Operation(row) = event {
                return (row.id, row.status);
            }
        }
        panic!("no row");
    };
    let first = tokio::select! {
        () = asked => panic!("nobody has run"),
        first = told => first,
    };
    assert_eq!(first, (id, OperationStatus::Started));
}

#[tokio::test(start_paused = true)]
async fn a_run_does_not_go_on_without_a_session() {
    let mut desk = Desk::new().await;
    desk.draining = true;
    let publish = desk.publish.clone();
    let cut = move |event: &Event, _: &SchedulerPort| {
        if matches!(event, Event::RunProgress { .. }) {
            publish.send_replace(None);
        }
    };
    let run = desk.turn(true, cut).await.unwrap();
    assert_eq!(run.decision, Decision::Stopped);
    assert!(run.moves_done > 0 && run.moves_done + run.moves_failed < FILES as u64, "{run:?}");
    assert!(run.note.as_deref().is_some_and(|note| note.contains("session")), "{run:?}");
    assert_eq!((desk.row(), desk.answer()), (Some(OperationStatus::Aborted), Some((503, "unavailable"))));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_the_end_of_the_program_cuts_off_says_so() {
    let mut desk = Desk::new().await;
    desk.draining = true;
    let stop = desk.ctx.stop.clone();
    let end = move |event: &Event, _: &SchedulerPort| {
        if matches!(event, Event::RunProgress { .. }) {
            stop.cancel();
        }
    };
    let run = desk.turn(true, end).await.unwrap();
    assert!(run.moves_done > 0 && run.moves_done < FILES as u64, "{run:?}");
    assert_eq!((run.decision, desk.answer()), (Decision::Stopped, Some((503, "shutting-down"))));
}

#[tokio::test(start_paused = true)]
async fn a_run_of_which_one_move_failed_is_not_done() {
    let mut desk = Desk::new().await;
    let zk1 = desk._folder.path().join("uploads/zk1");
    let blob = std::fs::read_dir(zk1).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
    std::fs::remove_file(blob).unwrap();
    desk.draining = true;
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.moves_done, run.moves_failed), (FILES as u64 - 1, 1));
    assert_eq!((desk.row(), desk.answer()), (Some(OperationStatus::Failed), Some((409, "damaged"))));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_moves_all_failed_is_failed() {
    let mut desk = Desk::new().await;
    std::fs::remove_dir_all(desk._folder.path().join("uploads/zk1")).unwrap();
    std::fs::create_dir(desk._folder.path().join("uploads/zk1")).unwrap();
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.moves_done, run.moves_failed), (0, half()));
    assert_eq!(desk.row(), Some(OperationStatus::Failed));
    assert!(run.note.as_deref().is_some_and(|note| note.contains("failed, the first because")), "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_scheduler_obeys_a_person_and_neither_a_drain_nor_the_timer() {
    let mut desk = Desk::new().await;
    (desk.draining, desk.paused) = (true, true);
    desk.port.poke();
    let run = desk.turn(false, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.moves_planned, desk.on(1)), (Decision::Paused, 0, 0));
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.moves_done), (Decision::Ran, FILES as u64));
}

#[tokio::test(start_paused = true)]
async fn a_drain_pokes_a_scheduler_that_is_on() {
    let mut desk = Desk::new().await;
    desk.draining = true;
    desk.port.poke();
    let run = desk.turn(false, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.by.as_str(), run.moves_done), (Decision::Ran, "drain", FILES as u64));
}

/// Its leader is gone, or its last moves failed: nobody pokes, and the timer's next run may be far.
#[tokio::test(start_paused = true)]
async fn a_drain_with_files_left_goes_on_without_a_poke() {
    let mut desk = Desk::new().await;
    desk.draining = true;
    desk.scheduler.drain_due = Instant::now();
    let run = desk.turn(false, |_, _| ()).await.unwrap();
    assert_eq!((run.by.as_str(), run.moves_done), ("drain", FILES as u64));
}

/// It may have been asked for when nobody led, or of a leader that is gone: no change tells of it any more.
#[tokio::test(start_paused = true)]
async fn who_takes_the_lead_takes_on_the_runs_that_wait() {
    let mut desk = Desk::new().await;
    desk.scheduler.led = false;
    let id = OperationId::new(77);
    desk.registry.request_run(id, "a person").await.unwrap();
    let run = desk.turn(false, |_, _| ()).await.unwrap();
    assert_eq!((run.id, run.by.as_str(), run.moves_done), (id, "a person", half()));
    assert!(matches!(desk.registry.run_answer(id).await.unwrap(), RunAnswer::Done(_)));
}

/// Who asked for it gave it up while another run went on.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_withdrawn_is_not_made() {
    let mut desk = Desk::new().await;
    desk.scheduler.led = false;
    let ids = [77, 78].map(OperationId::new);
    for id in ids {
        desk.registry.request_run(id, "a person").await.unwrap();
    }
    let (ctx, registry, mut begun) = (desk.ctx.clone(), desk.registry.clone(), false);
    let withdraw = |event: &Event, _: &SchedulerPort| {
        if matches!(event, Event::RunStarted { .. }) && !std::mem::replace(&mut begun, true) {
            let registry = registry.clone();
            ctx.driver.job("withdraw", async move { assert!(registry.withdraw_run(ids[1], 0).await.unwrap()) });
        }
    };
    let run = desk.turn(false, withdraw).await.unwrap();
    assert_eq!((run.id, desk.on(1)), (ids[0], half()));
    assert!(matches!(desk.registry.run_answer(ids[1]).await.unwrap(), RunAnswer::Missing));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_lead_moves_nothing() {
    let mut desk = Desk::new().await;
    desk.fence.epoch = None;
    let run = desk.turn(true, |_, _| ()).await.unwrap();
    assert_eq!((run.decision, run.moves_planned, desk.on(1)), (Decision::NotLeader, 0, 0));
    let row = desk.rows.last().unwrap();
    assert_eq!((row.status, row.outcome().http), (OperationStatus::Failed, 503), "no plan is no answer: {row:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_deleted_meanwhile_is_skipped_and_the_run_is_done() {
    let mut desk = Desk::new().await;
    desk.draining = true;
    // Both kinds: gone with its bytes before the copy, and gone by its record alone.
    let gone: Vec<FileEntry> = [1, FILES].map(FileId::new).map(|id| (*desk.files[&id]).clone()).to_vec();
    for entry in &gone {
        desk.registry.coord().delete(&desk.registry.layout().file(entry.id), None).await.unwrap();
    }
    let bytes = desk._folder.path().join("uploads/zk1").join(blob_name(gone[0].id, gone[0].record.blob));
    std::fs::remove_file(bytes).unwrap();
    let mut damaged = 0;
    let run = desk
        .turn(true, |event, _| damaged += usize::from(matches!(event, Event::BytesChecked { problem: Some(_), .. })))
        .await
        .unwrap();
    assert_eq!((run.decision, run.moves_failed, run.moves_skipped), (Decision::Ran, 0, 2), "{run:?}");
    assert_eq!((run.moves_done, desk.row()), (FILES as u64 - 2, Some(OperationStatus::Done)));
    assert_eq!(damaged, 0, "what was deleted is not damaged");
    let why = |file: FileId| {
        let row = desk.rows.iter().rev().find(|row| row.file == Some(file) && row.kind == OperationKind::Migration);
        row.map(|row| (row.status, row.why.clone().unwrap_or_default()))
    };
    for entry in &gone {
        let (status, why) = why(entry.id).unwrap();
        assert_eq!(status, OperationStatus::Aborted, "{why}");
        assert!(why.contains("deleted meanwhile"), "{why}");
    }
}

const PERIOD: Duration = Duration::from_secs(15);

#[test]
fn who_takes_over_runs_at_once_and_who_starts_waits_an_interval() {
    let now = Instant::now();
    let later = now + PERIOD;
    assert_eq!(next_run(None, true, true, now, PERIOD), (Some(later), true));
    assert_eq!(next_run(None, true, false, now, PERIOD), (Some(later), false));
    assert_eq!(next_run(None, false, true, now, PERIOD), (None, false), "standing by or paused");
}

#[test]
fn a_run_is_due_when_its_time_has_come() {
    let now = Instant::now();
    let later = now + PERIOD;
    assert_eq!(next_run(Some(later), true, false, now, PERIOD), (Some(later), false));
    assert_eq!(next_run(Some(now), true, false, now, PERIOD), (Some(later), true));
    assert_eq!(next_run(Some(now), false, false, now, PERIOD), (None, false));
}

#[test]
fn an_interval_that_becomes_shorter_is_not_waited_out_first() {
    let now = Instant::now();
    let late = now + 10 * PERIOD;
    assert_eq!(next_run(Some(late), true, false, now, PERIOD), (Some(now + PERIOD), false));
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_with_its_last_file() {
    let mut desk = Desk::new().await;
    (desk.draining, desk.files) = (true, desk.files.into_iter().take(1).collect());
    for (left, ended) in [(1, false), (0, true)] {
        assert_eq!(desk.on(0), left);
        desk.port.poke();
        desk.turn(false, |_, _| ()).await;
        // What was told last.
        while let Ok(event) = desk.heard.try_recv() {
            let Event::Operation(row) = event else { continue };
            desk.rows.push(*row);
        }
        let drain = desk.rows.iter().find(|row| row.kind == OperationKind::Drain);
        assert_eq!(drain.is_some_and(|row| row.status == OperationStatus::Done), ended, "{left} left: {drain:?}");
    }
}

#[test]
fn a_batch_is_so_many_moves_and_so_many_bytes_and_at_least_one() {
    let batches = |sizes: &[u64]| {
        let order = |(id, size): (u128, &u64)| {
            let mut entry = crate::domain::fixtures::file(id, "zk1");
            entry.record.size = Bytes(*size);
            let (attempt, reason) = (AttemptId::new(id), MoveReason::OverTrigger);
            MoveOrder { attempt, entry: Arc::new(entry), dst: node_id("zk2"), reason, why: "a".into(), by: "b".into() }
        };
        let mut left: VecDeque<_> = (1..).zip(sizes).map(order).collect();
        std::iter::from_fn(|| Some(batch(&mut left).len()).filter(|taken| *taken > 0)).collect::<Vec<_>>()
    };
    assert_eq!(batches(&[1; 2 * BATCH + 1]), [BATCH, BATCH, 1]);
    assert_eq!(batches(&[BATCH_BYTES + 1, BATCH_BYTES - 1, 1, 1]), [1, 2, 1]);
}
