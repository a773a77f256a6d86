//! A file of rows in one of three formats.

use serde::Serialize;
use tokio::io::{AsyncWriteExt as _, BufWriter};

use crate::console::paths;
use crate::console::place::{Draft, Place};
use crate::domain::number;
use crate::domain::snapshot::Level;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExportFormat {
    Ndjson,
    Csv,
    Text,
}

impl ExportFormat {
    fn of(path: &str) -> Result<Self, String> {
        let path = paths::read(path)?.path;
        match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("ndjson" | "json") => Ok(Self::Ndjson),
            Some("csv") => Ok(Self::Csv),
            Some("txt" | "log") => Ok(Self::Text),
            _ => Err("its name must end in .ndjson, .csv or .txt, which tells the format".into()),
        }
    }
}

/// A row that can be written.
pub(super) trait Exported: Serialize {
    /// The columns of CSV.
    const HEADING: &'static str;
    /// For a reader, in one line or more.
    fn text(&self) -> String;
    /// One for each column.
    fn cells(&self) -> Vec<String>;
}

/// A cell of CSV as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A file that does not exist yet, on its way.
pub(super) struct ExportFile {
    format: ExportFormat,
    out: BufWriter<Box<dyn Draft>>,
    count: usize,
}

impl ExportFile {
    pub(super) async fn begin<T: Exported>(place: &dyn Place, path: &str) -> Result<Self, String> {
        let format = ExportFormat::of(path)?;
        let out = BufWriter::new(place.create(path.to_owned(), None).await?);
        let mut file = Self { format, out, count: 0 };
        if format == ExportFormat::Csv {
            file.line(T::HEADING).await?;
        }
        Ok(file)
    }

    /// Rows written so far.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) async fn put<T: Exported>(&mut self, row: &T) -> Result<(), String> {
        let line = match self.format {
            ExportFormat::Ndjson => serde_json::to_string(row).map_err(|error| error.to_string())?,
            ExportFormat::Text => row.text(),
            ExportFormat::Csv => row.cells().iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","),
        };
        self.count += 1;
        self.line(&line).await
    }

    async fn line(&mut self, line: &str) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        self.out.write_all(line.as_bytes()).await.map_err(failed)?;
        self.out.write_all(b"\n").await.map_err(failed)
    }

    /// Gives the file its name, and tells what is in it; `more` when not all of it is.
    pub(super) async fn end(mut self, noun: &str, more: bool) -> Result<(Level, String), String> {
        let count = self.count;
        if more {
            let said = match self.format {
                ExportFormat::Ndjson => format!("{{\"truncated_at\":{count}}}"),
                ExportFormat::Csv | ExportFormat::Text => format!("# truncated at {count} {noun}s"),
            };
            self.line(&said).await?;
        }
        self.out.flush().await.map_err(|error| error.to_string())?;
        let path = self.out.into_inner().keep().await?;
        let told = number::count(count as u64, noun);
        if more {
            let text = format!("exported {path} only the first {told}: there are more, narrow the time or the filter");
            return Ok((Level::Warning, text));
        }
        Ok((Level::Info, format!("exported {told} to {path}")))
    }
}
