//! What takes time, done beside the loop: commands, fetches, uploads, downloads.
//!
//! Jobs run inside the task of whoever shows the console, a few at a time; each has a time limit and an answer.

mod export;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fetch::{ANSWER_LIMIT, Fetch, Fetching, limited};
use super::order::{ExportList, Work};
use super::place::{Draft, Opened, Place, SavedSetting};
use crate::domain::command::{Accepted, Actor, Command, Rejected};
use crate::domain::ids::{Bytes, FileId, NodeId};
use crate::domain::snapshot::Level;
use crate::engine::handle::{ByteSource, Handle, Upload};

/// Jobs at once; the rest waits.
const RUNNING_MAX: usize = 16;
/// Jobs that may wait; more are refused.
const WAITING_MAX: usize = 256;
/// The engine has as much under way as it takes: it is asked again so much later,
const BUSY_PAUSE: Duration = Duration::from_millis(200);
/// for so long after it took the last command.
const BUSY_LIMIT: Duration = Duration::from_mins(5);
/// Bytes of a download come at least this often.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// What a job has brought.
#[derive(Debug)]
pub enum Done {
    /// A message for the operator.
    Said(Level, String),
    /// What was asked for has begun: its end is told by the engine.
    Begun(String),
    /// An answer has come to its place, or was given up.
    Answered,
}

/// What takes time, and its name where leaving the console would give it up.
struct ConsoleJob {
    name: Option<String>,
    work: BoxFuture<'static, Done>,
}

impl Future for ConsoleJob {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Done> {
        self.work.as_mut().poll(context)
    }
}

/// Jobs under way and waiting.
pub struct Jobs {
    handle: Handle,
    place: Arc<dyn Place>,
    running: FuturesUnordered<ConsoleJob>,
    waiting: VecDeque<ConsoleJob>,
    fetches: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Jobs {
    /// None yet. Files that are named are those of `place`.
    #[must_use]
    pub fn new(handle: Handle, place: Arc<dyn Place>) -> Self {
        Self {
            handle,
            place,
            running: FuturesUnordered::new(),
            waiting: VecDeque::new(),
            fetches: FuturesUnordered::new(),
        }
    }

    /// Resolves with what the next job has brought; for ever waiting when there is none. May be dropped.
    pub async fn next(&mut self) -> Done {
        tokio::select! {
            Some(done) = self.running.next(), if !self.running.is_empty() => {
                if let Some(job) = self.waiting.pop_front() {
                    self.running.push(job);
                }
                done
            }
            Some(()) = self.fetches.next(), if !self.fetches.is_empty() => Done::Answered,
            else => std::future::pending().await,
        }
    }

    /// What is given up when the console is left now.
    #[must_use]
    pub fn under_way(&self) -> Vec<String> {
        self.running.iter().chain(&self.waiting).filter_map(|job| job.name.clone()).collect()
    }

    /// Who asks, for history: `console alice`.
    fn actor(&self) -> Actor {
        Actor(format!("console {}", self.place.user()))
    }

    fn start(&mut self, name: Option<String>, work: impl Future<Output = Done> + Send + 'static) -> Result<(), String> {
        let job = ConsoleJob { name, work: Box::pin(work) };
        if self.running.len() < RUNNING_MAX {
            self.running.push(job);
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(job);
        } else {
            return Err(format!("{WAITING_MAX} jobs wait already; try again in a moment"));
        }
        Ok(())
    }

    /// Begins what the console wants done.
    ///
    /// # Errors
    /// When too many jobs wait.
    pub fn begin(&mut self, work: Work) -> Result<(), String> {
        match work {
            Work::Send(command) => self.send(vec![command]),
            Work::Batch(commands) => self.send(commands),
            Work::Upload { path, to } => self.upload(path, to),
            Work::Download { file, path } => self.download(file, path),
            Work::SaveSettings(settings) => self.save_settings(settings),
            Work::Export { list, path } => self.export(list, path),
            Work::Complete(Fetch { ask, reply }) => self.bring(self.place.complete(ask), reply),
            Work::Lines(Fetch { ask, reply }) => self.bring(self.place.lines(ask), reply),
            Work::Fetch(fetch) => {
                self.fetch(fetch);
                Ok(())
            }
        }
    }

    /// Sends commands one after the other, each when the engine has room for it, and tells the outcome in
    /// one message.
    fn send(&mut self, commands: Vec<Command>) -> Result<(), String> {
        let (handle, by) = (self.handle.clone(), self.actor());
        let name = match &commands[..] {
            [one] => one.verb().to_owned(),
            all => format!("{} commands", all.len()),
        };
        self.start(Some(name), async move {
            let (mut accepted, mut refused) = (Vec::new(), Vec::new());
            let mut taken_at = Instant::now();
            for command in commands {
                match patiently(&handle, &command, &by, &mut taken_at).await {
                    Ok(Accepted { message, .. }) => accepted.push(message),
                    Err(why) => refused.push(why),
                }
            }
            summary(&accepted, &refused)
        })
    }

    /// Uploads a local file.
    fn upload(&mut self, path: String, to: Option<(String, NodeId)>) -> Result<(), String> {
        let (handle, place, by) = (self.handle.clone(), Arc::clone(&self.place), self.actor());
        self.start(Some(format!("upload of {path}")), async move {
            match upload(&handle, opened(&*place, path.clone(), to), by).await {
                Ok(message) => Done::Said(Level::Info, message),
                Err(why) => Done::Said(Level::Error, format!("upload of {path} refused: {why}")),
            }
        })
    }

    /// Saves a file's bytes at the place.
    fn download(&mut self, file: FileId, path: String) -> Result<(), String> {
        let (handle, place) = (self.handle.clone(), Arc::clone(&self.place));
        self.start(Some(format!("download to {path}")), async move {
            match download(&handle, file, &*place, path.clone()).await {
                Ok(message) => Done::Said(Level::Info, message),
                Err(why) => Done::Said(Level::Error, format!("download to {path} failed: {why}")),
            }
        })
    }

    /// Writes settings into the file of settings.
    fn save_settings(&mut self, settings: Vec<SavedSetting>) -> Result<(), String> {
        let place = Arc::clone(&self.place);
        self.start(None, async move {
            let told: Vec<String> = settings.iter().map(|one| format!("{} = {}", one.name, one.value)).collect();
            let over: BTreeSet<&str> = settings.iter().filter_map(|one| one.over.as_deref()).collect();
            let over: Vec<String> =
                over.iter().map(|over| format!("; {over} comes first as long as it is given")).collect();
            match place.save_settings(settings.clone()).await {
                Ok(file) => Done::Said(Level::Info, format!("saved in {file}: {}{}", told.join(", "), over.concat())),
                Err(why) => Done::Said(Level::Error, format!("save of {} failed: {why}", told.join(", "))),
            }
        })
    }

    /// Brings a question to the engine. When too many are under way it is given up, and whoever asks learns so.
    fn fetch(&mut self, fetch: Box<dyn Fetching>) {
        if fetch.is_given_up() {
            return;
        }
        if self.fetches.len() >= RUNNING_MAX {
            // Those that were given up meanwhile go: what is typed or pasted asks anew with each character.
            while self.fetches.next().now_or_never().flatten().is_some() {}
        }
        if self.fetches.len() < RUNNING_MAX {
            self.fetches.push(fetch.run(self.handle.clone()));
        } else {
            self.fetches.push(Box::pin(std::future::ready(())));
        }
    }

    /// Writes all rows of a list to a new file.
    fn export(&mut self, list: ExportList, path: String) -> Result<(), String> {
        let (handle, place) = (self.handle.clone(), Arc::clone(&self.place));
        self.start(Some(format!("export to {path}")), async move {
            match export::export(&handle, list, &*place, &path).await {
                Ok((level, message)) => Done::Said(level, message),
                Err(why) => Done::Said(Level::Error, format!("export to {path} failed: {why}")),
            }
        })
    }

    /// Brings the answer of the place, whether or not somebody waits for it.
    fn bring<T: Send + 'static>(
        &mut self,
        answer: BoxFuture<'static, Result<T, String>>,
        reply: oneshot::Sender<Result<T, String>>,
    ) -> Result<(), String> {
        self.start(None, async move {
            _ = reply.send(answer.await);
            Done::Answered
        })
    }
}

/// Sends a command when the engine has room for it. `taken_at` is when it took the last one of these.
async fn patiently(handle: &Handle, command: &Command, by: &Actor, taken_at: &mut Instant) -> Result<Accepted, String> {
    let verb = command.verb();
    loop {
        // What is busy is no answer yet.
        let answer = async {
            match handle.send(command.clone(), by.clone()).await {
                Err(busy @ Rejected::Busy { .. }) => Ok(Err(busy)),
                answer => answer.map(Ok),
            }
        };
        match limited(verb, answer).await? {
            Ok(accepted) => {
                *taken_at = Instant::now();
                return Ok(accepted);
            }
            Err(busy) if taken_at.elapsed() >= BUSY_LIMIT => return Err(format!("{verb} refused: {busy}")),
            Err(_) => tokio::time::sleep(BUSY_PAUSE).await,
        }
    }
}

fn summary(accepted: &[String], refused: &[String]) -> Done {
    match (accepted, refused) {
        ([one], []) => Done::Begun(one.clone()),
        ([], [one]) => Done::Said(Level::Error, one.clone()),
        (all, []) => Done::Said(Level::Info, format!("{} commands accepted", all.len())),
        (some, [first, ..]) => {
            Done::Said(Level::Error, format!("{} accepted, {} refused; first: {first}", some.len(), refused.len()))
        }
    }
}

/// The file of this path, else the one of the path without its last word, with the node that this word names.
async fn opened(
    place: &dyn Place,
    path: String,
    to: Option<(String, NodeId)>,
) -> Result<(Opened, Option<NodeId>), String> {
    match (place.open(path).await, to) {
        (Err(_), Some((path, node))) => Ok((place.open(path).await?, Some(node))),
        (file, _) => Ok((file?, None)),
    }
}

async fn upload(
    handle: &Handle,
    file: impl Future<Output = Result<(Opened, Option<NodeId>), String>>,
    by: Actor,
) -> Result<String, String> {
    let (file, node) = file.await?;
    let upload = Upload { name: file.name, node, size_hint: Some(file.size), limit: None };
    let answer = handle.upload(upload, file.bytes, by);
    let answer = tokio::time::timeout(ANSWER_LIMIT, answer).await;
    let accepted = answer
        .map_err(|_| no_answer("; it may be taken in all the same, see the events"))?
        .map_err(|why| why.to_string())?;
    Ok(accepted.accepted.message)
}

fn no_answer(next: &str) -> String {
    format!("no answer for {} s{next}", ANSWER_LIMIT.as_secs())
}

/// Writes to a new file, which has its name when it is whole.
async fn download(handle: &Handle, file: FileId, place: &dyn Place, path: String) -> Result<String, String> {
    let answer = tokio::time::timeout(ANSWER_LIMIT, handle.download(file)).await;
    let mut download = answer.map_err(|_| no_answer("; try again"))?.map_err(|why| why.to_string())?;
    let mut draft = place.create(path, Some(download.entry.record.name.to_string())).await?;
    let count = copy(&mut download.bytes, &mut draft).await?;
    let saved = draft.keep().await?;
    Ok(format!("saved {saved}, {}", Bytes(count)))
}

async fn copy(from: &mut ByteSource, to: &mut Box<dyn Draft>) -> Result<u64, String> {
    let mut buffer = vec![0; 64 * 1024];
    let mut count = 0;
    loop {
        let read = tokio::time::timeout(READ_LIMIT, from.read(&mut buffer)).await;
        let read = read.map_err(|_| format!("no byte came for {} s", READ_LIMIT.as_secs()))?;
        match read.map_err(|error| error.to_string())? {
            0 => break,
            n => {
                to.write_all(&buffer[..n]).await.map_err(|error| error.to_string())?;
                count += n as u64;
            }
        }
    }
    Ok(count)
}
