//! Blocking disk work off the async threads: so many at once, and none that is silent for ever.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{self, JoinHandle};
use tokio::time::{sleep, timeout};

use super::BlobError;
use super::disk::Pace;
use crate::domain::ids::Millis;

/// Jobs that touch the disks at the same time.
const SLOTS: usize = 16;
/// A job that has not moved a byte for so long is given up.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Longest wait for one of the slots.
const SLOT_WAIT_MAX: Duration = Duration::from_secs(120);

/// What a job tells whoever waits for it, and the other way round.
#[derive(Debug, Default)]
pub(super) struct JobWatch {
    beats: AtomicU64,
    at_target: AtomicBool,
    stop: AtomicBool,
}

impl JobWatch {
    /// Tells that the job goes on.
    ///
    /// # Errors
    /// [`BlobError::Ended`] when nobody waits for it any more.
    pub(super) fn beat(&self, operation: &'static str, path: &Path) -> Result<(), BlobError> {
        self.beats.fetch_add(1, Ordering::Relaxed);
        if self.stop.load(Ordering::Relaxed) {
            let cause = "nobody waits for it any more".into();
            return Err(BlobError::Ended { operation, path: path.to_owned(), cause });
        }
        Ok(())
    }

    /// Tells whose disk is being used now, for the case that it never answers.
    pub(super) fn at_target(&self, at_target: bool) {
        self.at_target.store(at_target, Ordering::Relaxed);
    }
}

/// Stops the job when the future that waits for it is dropped.
struct StopOnDrop(Arc<JobWatch>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone, Debug)]
pub(super) struct Pool {
    pace: Pace,
    slots: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, slots: Arc::new(Semaphore::new(SLOTS)) }
    }

    /// Runs `work` on a thread of its own. `operation` and `path` name it in errors.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: &Path,
        work: impl FnOnce(&JobWatch) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        if let Pace::Simulated(time) = self.pace {
            sleep(time).await;
            return work(&JobWatch::default());
        }
        let ended = |cause: String| BlobError::Ended { operation, path: path.to_owned(), cause };
        let slot = timeout(SLOT_WAIT_MAX, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| timed_out(operation, path, false, SLOT_WAIT_MAX))?
            .map_err(|error| ended(error.to_string()))?;
        let watch = Arc::new(JobWatch::default());
        let _stop = StopOnDrop(Arc::clone(&watch));
        let theirs = Arc::clone(&watch);
        let job = task::spawn_blocking(move || {
            // The slot goes back when the disk is done, even if nobody waits any more.
            let _slot = slot;
            work(&theirs)
        });
        match wait(job, &watch).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => Err(ended(error.to_string())),
            None => Err(timed_out(operation, path, watch.at_target.load(Ordering::Relaxed), SILENCE_MAX)),
        }
    }
}

/// `None` when the job has been silent for too long.
async fn wait<T>(mut job: JoinHandle<T>, watch: &JobWatch) -> Option<Result<T, task::JoinError>> {
    let mut heard = 0;
    loop {
        if let Ok(outcome) = timeout(SILENCE_MAX, &mut job).await {
            return Some(outcome);
        }
        let beats = watch.beats.load(Ordering::Relaxed);
        if beats == heard {
            return None;
        }
        heard = beats;
    }
}

fn timed_out(operation: &'static str, path: &Path, at_target: bool, limit: Duration) -> BlobError {
    let limit = Millis::from_secs(limit.as_secs());
    BlobError::TimedOut { operation, path: path.to_owned(), at_target, limit }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_panic_inside_is_an_error_outside() {
        let outcome: Result<(), _> = Pool::new(Pace::Blocking).run("test", Path::new("x"), |_| panic!("inside")).await;
        assert!(matches!(outcome, Err(BlobError::Ended { .. })), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_job_nobody_waits_for_ends_at_its_next_beat_and_gives_its_slot_back() {
        let pool = Pool::new(Pace::Blocking);
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, wait_for_it) = mpsc::channel::<()>();
        let (tell, told) = tokio::sync::oneshot::channel();
        {
            let job = pool.run("test", Path::new("x"), move |watch| {
                _ = began.send(());
                _ = wait_for_it.recv();
                let outcome = watch.beat("test", Path::new("x"));
                _ = tell.send(outcome.is_err());
                outcome
            });
            tokio::select! {
                _ = job => panic!("it cannot end before it is told to"),
                _ = has_begun => {}
            }
        }
        drop(go_on);
        assert_eq!(told.await, Ok(true));
        let all = timeout(Duration::from_secs(10), pool.slots.acquire_many(SLOTS as u32)).await;
        assert!(all.is_ok(), "a slot was not given back");
    }
}
