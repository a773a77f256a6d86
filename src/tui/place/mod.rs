//! The files of this host, for the person at its terminal.

mod draft;
mod lines;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use self::draft::HostDraft;
use crate::console::place::{Draft, Opened, PastCommands, PastSearches, Place, SavedSearches};
use crate::console::sanitise;

/// This host, as the user who runs the program sees it.
#[derive(Clone, Debug)]
pub struct Host {
    /// Who runs the program.
    pub user: String,
    /// File of the saved searches.
    pub searches: PathBuf,
    /// File of the commands that were typed.
    pub commands: PathBuf,
    /// File of the searches that were typed.
    pub past_searches: PathBuf,
}

impl Place for Host {
    fn user(&self) -> String {
        self.user.clone()
    }

    fn open(&self, path: String) -> BoxFuture<'static, Result<Opened, String>> {
        Box::pin(async move { open(&expand(&path)).await })
    }

    fn create(&self, path: String, name: Option<String>) -> BoxFuture<'static, Result<Box<dyn Draft>, String>> {
        Box::pin(async move {
            let path = expand(&path);
            let target = match name {
                Some(name) if tokio::fs::metadata(&path).await.is_ok_and(|meta| meta.is_dir()) => {
                    path.join(sanitise::file_name(&name))
                }
                _ => path,
            };
            let draft: Box<dyn Draft> = Box::new(HostDraft::begin(target).await?);
            Ok(draft)
        })
    }

    fn searches(&self, asked: SavedSearches) -> BoxFuture<'static, Result<Vec<String>, String>> {
        Box::pin(lines::searches(self.searches.clone(), asked))
    }

    fn commands(&self, asked: PastCommands) -> BoxFuture<'static, Result<Vec<String>, String>> {
        Box::pin(lines::commands(self.commands.clone(), asked))
    }

    fn past_searches(&self, asked: PastSearches) -> BoxFuture<'static, Result<Vec<String>, String>> {
        Box::pin(lines::past_searches(self.past_searches.clone(), asked))
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

async fn open(path: &Path) -> Result<Opened, String> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("give the path of a file whose name is UTF-8")?;
    let meta = tokio::fs::metadata(path).await.map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no plain file; give the path of one".into());
    }
    let bytes = tokio::fs::File::open(path).await.map_err(|error| error.to_string())?;
    Ok(Opened { name: name.to_owned(), size: meta.len(), bytes: Box::pin(bytes) })
}
