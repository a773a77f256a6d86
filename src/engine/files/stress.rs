//! A stress: many generated files on one node, and the scheduler afterwards when asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::upload::{self, Source, UploadOrder};
use super::{Failure, PARALLEL};
use crate::domain::cause::{Cause, Fault};
use crate::domain::command::Stress;
use crate::domain::ids::{AttemptId, Bytes, FileId, OperationId};
use crate::domain::number::count;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::Run;
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::loops::scheduler::SchedulerPort;

/// Longest wait for the recovery, which looks every 15 s, to decide what the end of a session left open.
const LEFT_LIMIT: Duration = Duration::from_secs(60);
/// Uploads of a stress whose commits are under way at the same time.
const UPLOADS: usize = PARALLEL * 4;

/// Makes the files, then asks for a run when the stress says so. Ends in one row of history.
pub async fn run(ctx: &Context, id: OperationId, stress: &Stress, by: &str, scheduler: &SchedulerPort) {
    let started = clock::now();
    let row = |status, files: Vec<FileId>, run: Option<Run>, why: Option<String>, cause: Option<Cause>| Operation {
        id,
        kind: OperationKind::Stress,
        status,
        started,
        finished: OperationStatus::is_final(status).then(clock::now),
        what: format!("{}, {} each", count(stress.files, "file"), stress.size),
        file: None,
        source: None,
        target: Some(stress.node.clone()),
        bytes: Some(Bytes(stress.size.0 * stress.files)),
        why,
        cause,
        by: by.to_owned(),
        instance: ctx.me.name(),
        steps: Vec::new(),
        files,
        run,
    };
    ctx.record(row(OperationStatus::Started, Vec::new(), None, None, None)).await;
    let (files, fault) = make(ctx, id, stress, by).await;
    if let Some(Fault { cause, why }) = fault {
        let why = format!("{} of {} made: {why}", files.len(), count(stress.files, "file"));
        ctx.record(row(OperationStatus::Failed, files, None, Some(why), Some(cause))).await;
        return;
    }
    let (mut balanced, mut why) = (None, None);
    if stress.trigger_scheduler {
        match scheduler.run(ctx, by).await {
            Ok(run) => balanced = Some((*run).clone()),
            Err(fault) => why = Some(format!("the files are made; the scheduler did not run: {fault}")),
        }
    }
    ctx.record(row(OperationStatus::Done, files, balanced, why, None)).await;
}

/// The files that were made, and the first cause when not all were.
async fn make(ctx: &Context, id: OperationId, stress: &Stress, by: &str) -> (Vec<FileId>, Option<Fault>) {
    let Some(fence) = ctx.fence(vec![stress.node.clone()]).await else {
        return (Vec::new(), Some(Fault::ending()));
    };
    let tag = format!("{:032x}", id.bits());
    let orders = (0..stress.files).map(|number| UploadOrder {
        attempt: clock::new_attempt(),
        file: clock::new_file(),
        name: format!("stress-{}-{number:04}.bin", &tag[24..]),
        node: stress.node.clone(),
        pinned: true,
        source: Source::Generated { size: stress.size, seed: (id.bits() as u64).wrapping_add(number) },
        by: by.to_owned(),
        why: format!("stress {}", id.short()),
    });
    let go_on = AtomicBool::new(true);
    let may_begin = || go_on.load(Ordering::Relaxed) && !ctx.stop.is_cancelled() && ctx.must_wait().is_none();
    let begun = orders.take_while(|_| may_begin());
    let one = async |order: UploadOrder| {
        let made = (order.attempt, order.file);
        (made, upload::run(ctx, order, &fence).await)
    };
    let mut uploads = stream::iter(begun.map(one)).buffer_unordered(UPLOADS);
    let (mut files, mut fault, mut left) = (Vec::new(), None, Vec::new());
    while let Some((made, result)) = uploads.next().await {
        if matches!(result, Err(Failure::Left)) {
            left.push(made);
        }
        match result {
            Ok(entry) => files.push(entry.id),
            // The uploads under way finish; no new one begins.
            Err(failure) => {
                go_on.store(false, Ordering::Relaxed);
                fault.get_or_insert_with(|| Fault::from(&failure));
            }
        }
    }
    if fault.is_none() && (files.len() as u64) < stress.files {
        fault = Some(ctx.must_wait().map_or_else(Fault::ending, |why| Fault::new(Cause::Unavailable, why)));
    }
    let undecided = settled(ctx, left, &mut files).await;
    let fault = fault.and_then(|fault| amended(fault, stress.files - files.len() as u64, undecided));
    files.sort_unstable();
    (files, fault)
}

/// What is left of the first cause once the recovery has decided: nothing when no file is missing.
fn amended(fault: Fault, missing: u64, undecided: usize) -> Option<Fault> {
    let why = match undecided {
        0 => fault.why,
        _ => format!("{undecided} more are not decided yet, and history tells of each; {}", fault.why),
    };
    (missing > 0).then_some(Fault { why, ..fault })
}

/// Waits for the uploads that the recovery decides, and adds those that were made; how many are still not decided.
async fn settled(ctx: &Context, left: Vec<(AttemptId, FileId)>, files: &mut Vec<FileId>) -> usize {
    let until = Instant::now() + LEFT_LIMIT;
    let mut undecided = 0;
    for (attempt, file) in left {
        let (sender, mut rows) = watch::channel(None);
        ctx.operations.watch(attempt.into(), sender);
        let ended = rows.wait_for(|row| row.as_ref().is_some_and(|row: &Arc<Operation>| row.status.is_final()));
        let ended = ctx.stop.run_until_cancelled(timeout_at(until, ended)).await;
        match ended {
            Some(Ok(Ok(row))) if row.as_ref().is_some_and(|row| row.status == OperationStatus::Done) => {
                files.push(file);
            }
            Some(Ok(Ok(_))) => {}
            _ => undecided += 1,
        }
    }
    undecided
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stress_whose_files_all_came_about_has_not_failed() {
        let fault = || Fault::new(Cause::Interrupted, "the session was lost");
        assert_eq!(amended(fault(), 0, 0), None);
        assert_eq!([1, 2].map(|missing| amended(fault(), missing, 0)), [Some(fault()), Some(fault())]);
        let why = amended(fault(), 2, 1).map(|fault| fault.why);
        assert_eq!(why.as_deref(), Some("1 more are not decided yet, and history tells of each; the session was lost"));
    }
}
