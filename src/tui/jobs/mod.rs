//! What takes time, done beside the loop: commands, fetches, uploads, downloads.
//!
//! Jobs run inside the loop's own task, a few at a time; each has a time limit and an answer.

mod draft;
mod export;
mod searches;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, LocalBoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use self::draft::{Draft, Keep};
use super::fetch::{ANSWER_LIMIT, Fetch, Fetching, limited};
use super::pane::SavedSearches;
use super::sanitise;
use super::theme::Styles;
use super::theme::file::ThemeError;
use super::theme::watch::Themes;
use crate::domain::command::{Accepted, Actor, Command, Rejected};
use crate::domain::ids::{Bytes, FileId, NodeId};
use crate::domain::log::LogSearch;
use crate::domain::snapshot::Level;
use crate::engine::handle::{Handle, Upload};

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
    /// An answer has come to its place, or was given up.
    Answered,
    /// The theme's files were looked at; `Some` when they have changed.
    Theme(Themes, Option<Result<Box<Styles>, ThemeError>>),
}

/// What takes time, and its name where leaving the console would give it up.
struct Job {
    name: Option<String>,
    work: LocalBoxFuture<'static, Done>,
}

impl Future for Job {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Done> {
        self.work.as_mut().poll(context)
    }
}

/// Jobs under way and waiting.
pub struct Jobs {
    handle: Handle,
    running: FuturesUnordered<Job>,
    waiting: VecDeque<Job>,
    fetches: FuturesUnordered<BoxFuture<'static, ()>>,
    looks_at_theme: bool,
}

impl Jobs {
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            running: FuturesUnordered::new(),
            waiting: VecDeque::new(),
            fetches: FuturesUnordered::new(),
            looks_at_theme: false,
        }
    }

    /// Resolves with what the next job has brought; for ever waiting when there is none. May be dropped.
    pub async fn next(&mut self) -> Done {
        tokio::select! {
            Some(done) = self.running.next(), if !self.running.is_empty() => {
                if let Some(job) = self.waiting.pop_front() {
                    self.running.push(job);
                }
                self.looks_at_theme &= !matches!(done, Done::Theme(..));
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

    fn start(&mut self, name: Option<String>, work: impl Future<Output = Done> + 'static) -> Result<(), String> {
        let job = Job { name, work: Box::pin(work) };
        if self.running.len() < RUNNING_MAX {
            self.running.push(job);
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(job);
        } else {
            return Err(format!("{WAITING_MAX} jobs wait already; try again in a moment"));
        }
        Ok(())
    }

    /// Sends commands one after the other, each when the engine has room for it, and tells the outcome in
    /// one message.
    ///
    /// # Errors
    /// When too many jobs wait.
    pub fn send(&mut self, commands: Vec<Command>) -> Result<(), String> {
        let handle = self.handle.clone();
        let name = match &commands[..] {
            [one] => one.verb().to_owned(),
            all => format!("{} commands", all.len()),
        };
        self.start(Some(name), async move {
            let (mut accepted, mut refused) = (Vec::new(), Vec::new());
            let mut taken_at = Instant::now();
            for command in commands {
                match patiently(&handle, &command, &mut taken_at).await {
                    Ok(Accepted { message, .. }) => accepted.push(message),
                    Err(why) => refused.push(why),
                }
            }
            summary(&accepted, &refused)
        })
    }

    /// Uploads a local file.
    ///
    /// # Errors
    /// When too many jobs wait.
    pub fn upload(&mut self, path: String, node: Option<NodeId>) -> Result<(), String> {
        let handle = self.handle.clone();
        self.start(Some(format!("upload of {path}")), async move {
            match upload(&handle, &expand(&path), node).await {
                Ok(message) => Done::Said(Level::Info, message),
                Err(why) => Done::Said(Level::Error, format!("upload of {path} refused: {why}")),
            }
        })
    }

    /// Saves a file's bytes on this machine.
    ///
    /// # Errors
    /// When too many jobs wait.
    pub fn download(&mut self, file: FileId, path: String) -> Result<(), String> {
        let handle = self.handle.clone();
        self.start(Some(format!("download to {path}")), async move {
            match download(&handle, file, &expand(&path)).await {
                Ok(message) => Done::Said(Level::Info, message),
                Err(why) => Done::Said(Level::Error, format!("download to {path} failed: {why}")),
            }
        })
    }

    /// Looks in the background whether the theme's files have changed; one look at a time.
    pub fn look_at_theme(&mut self, themes: &Themes) {
        if self.looks_at_theme {
            return;
        }
        let (mut looking, kept) = (themes.clone(), themes.clone());
        let look = tokio::task::spawn_blocking(move || {
            let styles = looking.changed().then(|| looking.load().map(Box::new));
            (looking, styles)
        });
        let job = async move {
            let (themes, styles) = look.await.unwrap_or((kept, None));
            Done::Theme(themes, styles)
        };
        self.looks_at_theme = self.start(None, job).is_ok();
    }

    /// Brings a question to the engine. When too many are under way it is given up, and whoever asks learns so.
    pub fn fetch(&mut self, fetch: Box<dyn Fetching>) {
        if self.fetches.len() < RUNNING_MAX {
            self.fetches.push(fetch.run(self.handle.clone()));
        } else {
            self.fetches.push(Box::pin(std::future::ready(())));
        }
    }

    /// Writes all events that match to a new file.
    ///
    /// # Errors
    /// When too many jobs wait.
    pub fn export_logs(&mut self, search: LogSearch, path: String) -> Result<(), String> {
        let handle = self.handle.clone();
        self.start(Some(format!("export to {path}")), async move {
            match export::export(&handle, search, &expand(&path)).await {
                Ok((level, message)) => Done::Said(level, message),
                Err(why) => Done::Said(Level::Error, format!("export to {path} failed: {why}")),
            }
        })
    }

    /// Reads or changes the saved searches in `file`, whether or not somebody waits for the answer.
    ///
    /// # Errors
    /// When too many jobs wait.
    pub fn searches(&mut self, file: PathBuf, fetch: Fetch<SavedSearches>) -> Result<(), String> {
        self.start(None, async move {
            let list = searches::searches(file, fetch.ask).await;
            _ = fetch.reply.send(list);
            Done::Answered
        })
    }
}

fn actor(handle: &Handle) -> Actor {
    Actor(format!("console {}", handle.snapshot().instance.user))
}

/// Sends a command when the engine has room for it. `taken_at` is when it took the last one of these.
async fn patiently(handle: &Handle, command: &Command, taken_at: &mut Instant) -> Result<Accepted, String> {
    let verb = command.verb();
    loop {
        // What is busy is no answer yet.
        let answer = async {
            match handle.send(command.clone(), actor(handle)).await {
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
        ([one], []) => Done::Said(Level::Info, one.clone()),
        ([], [one]) => Done::Said(Level::Error, one.clone()),
        (all, []) => Done::Said(Level::Info, format!("{} commands accepted", all.len())),
        (some, [first, ..]) => {
            Done::Said(Level::Error, format!("{} accepted, {} refused; first: {first}", some.len(), refused.len()))
        }
    }
}

/// `~/x` is in the home of the user.
fn expand(path: &str) -> PathBuf {
    let path = path.trim();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

async fn upload(handle: &Handle, path: &Path, node: Option<NodeId>) -> Result<String, String> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("give the path of a file whose name is UTF-8")?;
    let meta = tokio::fs::metadata(path).await.map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no plain file; give the path of one".into());
    }
    let bytes = tokio::fs::File::open(path).await.map_err(|error| error.to_string())?;
    let upload = Upload { name: name.to_owned(), node, size_hint: Some(meta.len()), limit: None };
    let answer = handle.upload(upload, Box::pin(bytes), actor(handle));
    let answer = tokio::time::timeout(ANSWER_LIMIT, answer).await;
    let accepted =
        answer.map_err(|_| "no answer of the engine".to_owned())?.map_err(|why: Rejected| why.to_string())?;
    Ok(accepted.accepted.message)
}

/// Writes to a new file, which has its name when it is whole.
async fn download(handle: &Handle, file: FileId, path: &Path) -> Result<String, String> {
    let answer = tokio::time::timeout(ANSWER_LIMIT, handle.download(file)).await;
    let mut download = answer.map_err(|_| "no answer of the engine".to_owned())?.map_err(|why| why.to_string())?;
    let path = if tokio::fs::metadata(path).await.is_ok_and(|meta| meta.is_dir()) {
        path.join(sanitise::file_name(&download.entry.record.name))
    } else {
        path.to_owned()
    };
    let (draft, mut file) = Draft::begin(&path, Keep::New).await?;
    let count = copy(&mut download.bytes, &mut file).await?;
    let path = draft.keep(file, Keep::New).await?;
    let place = std::path::absolute(&path).unwrap_or(path);
    Ok(format!("saved {}, {}", place.display(), Bytes(count)))
}

async fn copy(from: &mut crate::engine::handle::ByteSource, to: &mut tokio::fs::File) -> Result<u64, String> {
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
