//! Answers with a window of a list of files.

use std::fmt::Display;
use std::sync::Arc;

use super::{Answers, Desk};
use crate::domain::ask::Unanswered;
use crate::domain::file_list::{FilesAsk, FilesPage, WINDOW_MAX};

impl Answers<FilesAsk> for Desk {
    async fn answer(&self, mut ask: FilesAsk) -> Result<FilesPage, Unanswered> {
        ask.count = ask.count.min(WINDOW_MAX);
        let failed = |error: &dyn Display| Unanswered::Failed(format!("the list of files could not be made: {error}"));
        let turn = Arc::clone(&self.lists.turn).acquire_owned().await.map_err(|error| failed(&error))?;
        let (lists, table) = (self.lists.clone(), self.ctx.snapshots.borrow().files.clone());
        let work = tokio::task::spawn_blocking(move || {
            let page = lists.window(&table, &ask);
            drop(turn);
            page
        });
        work.await.map_err(|error| failed(&error))
    }
}
