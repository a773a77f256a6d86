//! Runs every loop and job: the only place that spawns.
//!
//! A loop waits, takes a turn, and says how it went. A panic in a turn is caught, reported and
//! followed by a back-off; the loop goes on. At the end of the program no loop is cut in the middle
//! of a turn: waiting is given up, a turn is finished.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock;
use crate::domain::event::Event;
use crate::domain::panic;
use crate::domain::snapshot::{Level, LoopName, LoopView};

/// First pause after a panic; doubles up to [`BACK_OFF_MAX`].
const BACK_OFF_MIN: Duration = Duration::from_millis(500);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// A turn that went as the last one did is reported this often.
const REPORT_EVERY_MS: u64 = 5_000;

/// Something that is done again and again.
#[async_trait]
pub trait Loop: Send {
    fn name(&self) -> LoopName;
    /// Resolves when the next turn is due: a period, a poke or a message. May be dropped at any point.
    async fn wait(&mut self);
    /// One turn, to its end.
    ///
    /// # Errors
    /// What went wrong, in words; shown until a turn goes well.
    async fn turn(&mut self) -> Result<(), String>;
    /// What is left to do when the program ends.
    async fn finish(&mut self) {}
}

/// Spawns, counts and awaits the tasks of the engine.
#[derive(Clone, Debug)]
pub struct Driver {
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
    tasks: TaskTracker,
    #[cfg(test)]
    killers: std::sync::Arc<std::sync::Mutex<Vec<tokio::task::AbortHandle>>>,
}

impl Driver {
    #[must_use]
    pub fn new(events: mpsc::Sender<Event>, stop: CancellationToken) -> Self {
        Self {
            events,
            stop,
            tasks: TaskTracker::new(),
            #[cfg(test)]
            killers: std::sync::Arc::default(),
        }
    }

    /// Runs a loop until the program ends.
    pub fn run(&self, work: impl Loop + 'static) {
        let (events, stop) = (self.events.clone(), self.stop.clone());
        self.spawn(drive(Box::new(work), events, stop));
    }

    /// Runs a job to its end; a panic in it becomes an error notice.
    pub fn job(&self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        let events = self.events.clone();
        self.spawn(async move {
            if let Err(payload) = AssertUnwindSafe(job).catch_unwind().await {
                let text =
                    format!("{name} failed inside: {}; backend/ in the log folder tells more", panic::words(&*payload));
                tracing::error!(job = name, "{text}");
                _ = events.send(Event::Notice { level: Level::Error, text }).await;
            }
        });
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(task);
        #[cfg(test)]
        self.killers.lock().unwrap().push(task.abort_handle());
        drop(task);
    }

    /// Ends every loop and job where it stands, as `kill -9` does.
    #[cfg(test)]
    pub(in crate::engine) fn kill(&self) {
        self.killers.lock().unwrap().drain(..).for_each(|task| task.abort());
    }

    /// Waits until every loop and job has ended; `false` when `limit` passed first.
    pub async fn ended(&self, limit: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }
}

async fn drive(mut work: Box<dyn Loop>, events: mpsc::Sender<Event>, stop: CancellationToken) {
    let mut view = LoopView {
        name: work.name(),
        turns: 0,
        last_turn: None,
        took: None,
        problem: None,
        panicked: false,
        restarts: 0,
    };
    let mut reported = None;
    let mut back_off = BACK_OFF_MIN;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = work.wait() => {}
        }
        let before = clock::now();
        let outcome = AssertUnwindSafe(work.turn()).catch_unwind().await;
        let after = clock::now();
        view.turns += 1;
        view.last_turn = Some(after);
        view.took = Some(after.since(before));
        let (problem, panicked) = match outcome {
            Ok(Ok(())) => (None, false),
            Ok(Err(problem)) => (Some(problem), false),
            Err(payload) => (Some(format!("internal error: {}", panic::words(&*payload))), true),
        };
        view.panicked = panicked;
        if problem != view.problem {
            if let Some(text) = &problem {
                tracing::warn!(task = view.name.word(), "{text}");
            }
            reported = None;
            view.problem = problem;
        }
        if panicked {
            view.restarts += 1;
            reported = None;
        }
        if reported.is_none_or(|at| after.since(at).0 >= REPORT_EVERY_MS) {
            reported = Some(after);
            _ = events.send(Event::Loop(view.clone())).await;
        }
        if panicked {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep(back_off) => back_off = (back_off * 2).min(BACK_OFF_MAX),
            }
        } else {
            back_off = BACK_OFF_MIN;
        }
    }
    _ = AssertUnwindSafe(work.finish()).catch_unwind().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Moody {
        turns: u32,
        done: mpsc::Sender<u32>,
    }

    #[async_trait]
    impl Loop for Moody {
        fn name(&self) -> LoopName {
            LoopName::Canary
        }

        async fn wait(&mut self) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }

        async fn turn(&mut self) -> Result<(), String> {
            self.turns += 1;
            match self.turns {
                1 => panic!("first turn"),
                2 => Err("second turn".into()),
                n => {
                    _ = self.done.send(n).await;
                    Ok(())
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_outlives_its_panic_and_says_so() {
        let (events, mut seen) = mpsc::channel(16);
        let (done, mut ended) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let driver = Driver::new(events, stop.clone());
        driver.run(Moody { turns: 0, done });
        assert_eq!(ended.recv().await, Some(3));
        stop.cancel();
        assert!(driver.ended(Duration::from_secs(5)).await);
        let mut problems = Vec::new();
        while let Ok(Event::Loop(view)) = seen.try_recv() {
            problems.push((view.problem, view.restarts));
        }
        assert_eq!(problems[0], (Some("internal error: first turn".into()), 1));
        assert_eq!(problems[1], (Some("second turn".into()), 1));
        assert_eq!(problems[2], (None, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_finished_before_the_end() {
        struct Slow(mpsc::Sender<&'static str>);
        #[async_trait]
        impl Loop for Slow {
            fn name(&self) -> LoopName {
                LoopName::Scrub
            }
            async fn wait(&mut self) {}
            async fn turn(&mut self) -> Result<(), String> {
                _ = self.0.send("began").await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                _ = self.0.send("ended").await;
                Ok(())
            }
        }
        let (events, _seen) = mpsc::channel(16);
        let (tell, mut told) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let driver = Driver::new(events, stop.clone());
        driver.run(Slow(tell));
        assert_eq!(told.recv().await, Some("began"));
        stop.cancel();
        assert!(driver.ended(Duration::from_secs(5)).await);
        assert_eq!(told.recv().await, Some("ended"));
    }
}
