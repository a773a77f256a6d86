//! The files of this host, for the person at its terminal.

mod draft;
mod lines;
mod paths;
mod settings;
mod steady;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::draft::{HostDraft, blocking};
use self::steady::SteadyFile;
use crate::console::place::{CompletionAsk, Completions, Draft, KeptLinesAsk, Opened, Place, SavedSetting};
use crate::console::sanitise;

/// How long a folder may take to tell what is in it.
const COMPLETION_LIMIT: Duration = Duration::from_secs(2);

/// This host, as the user who runs the program sees it.
#[derive(Clone, Debug)]
pub struct Host {
    /// Who runs the program.
    pub user: String,
    /// File of the settings.
    pub settings: PathBuf,
    /// Folder of the files of kept lines.
    pub kept: PathBuf,
}

impl Place for Host {
    fn user(&self) -> String {
        self.user.clone()
    }

    fn open(&self, path: String) -> BoxFuture<'static, Result<Opened, String>> {
        Box::pin(async move { open(&blocking(move || paths::resolve(&path)).await?).await })
    }

    fn create(&self, path: String, name: Option<String>) -> BoxFuture<'static, Result<Box<dyn Draft>, String>> {
        Box::pin(async move {
            let target = blocking(move || target(&path, name.as_deref())).await?;
            let draft: Box<dyn Draft> = Box::new(HostDraft::begin(target).await?);
            Ok(draft)
        })
    }

    fn complete(&self, asked: CompletionAsk) -> BoxFuture<'static, Result<Completions, String>> {
        Box::pin(async move {
            let found = tokio::time::timeout(COMPLETION_LIMIT, blocking(move || paths::complete(&asked))).await;
            found.unwrap_or_else(|_| Err("the folder does not answer".into()))
        })
    }

    fn lines(&self, asked: KeptLinesAsk) -> BoxFuture<'static, Result<Vec<String>, String>> {
        Box::pin(lines::kept(self.kept.clone(), asked))
    }

    fn save_settings(&self, settings: Vec<SavedSetting>) -> BoxFuture<'static, Result<String, String>> {
        let file = self.settings.clone();
        Box::pin(blocking(move || settings::save(&file, &settings)))
    }
}

/// The file that is to be made: in a folder it is called `name`, made harmless.
fn target(path: &str, name: Option<&str>) -> Result<PathBuf, String> {
    let target = paths::resolve(path)?;
    let into = target.as_os_str().as_encoded_bytes().ends_with(b"/");
    match name {
        Some(name) if target.is_dir() => Ok(target.join(sanitise::file_name(name))),
        _ if into => Err(format!("there is no folder {}; make it first", target.display())),
        _ => Ok(target),
    }
}

async fn open(path: &Path) -> Result<Opened, String> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("give the path of a file whose name is UTF-8")?;
    let meta = tokio::fs::metadata(path).await.map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no plain file; give the path of one".into());
    }
    let file = tokio::fs::File::open(path).await.map_err(|error| error.to_string())?;
    let bytes = SteadyFile::of(file).map_err(|error| error.to_string())?;
    Ok(Opened { name: name.to_owned(), size: bytes.size(), bytes: Box::pin(bytes) })
}
