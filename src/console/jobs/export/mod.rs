//! What a list holds, written to a file: JSON lines, CSV or plain text, as its ending says.

mod file;
mod files;
mod history;
mod logs;

use crate::console::order::ExportList;
use crate::console::place::Place;
use crate::domain::snapshot::Level;
use crate::engine::handle::Handle;

/// Writes all rows of the list to a file that does not exist yet, and tells what is in it.
pub(super) async fn export(
    handle: &Handle,
    list: ExportList,
    place: &dyn Place,
    path: &str,
) -> Result<(Level, String), String> {
    match list {
        ExportList::Logs(search) => logs::export(handle, search, place, path).await,
        ExportList::History(choice) => history::export(handle, *choice, place, path).await,
        ExportList::Files(choice) => files::export(handle, choice, place, path).await,
    }
}
