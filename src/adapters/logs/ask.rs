//! Which back end answers a question about the logs, and how.

use async_trait::async_trait;

use super::elastic::Elastic;
use super::error::LogsError;
use super::local::LocalLogs;
use crate::domain::ask::Ask;
use crate::domain::ids::Timestamp;
use crate::domain::log::{
    Answered, ContextAsk, EventId, FollowAsk, FollowMark, Followed, Histogram, HistogramAsk, LogContext, LogFail,
    LogPage, LogSource, PageAsk,
};

/// A question about the logs. One that goes on from an answer can be answered by whoever gave that answer only.
#[async_trait]
pub trait LogAsk: Ask<Refusal = LogFail> {
    /// Whether it goes on from an answer of the files.
    fn is_of_files(&self) -> bool;
    /// Whether, when not of the files, it goes on from an answer of the server.
    fn is_of_server(&self) -> bool;
    async fn by_files(self, files: &LocalLogs, now: Timestamp) -> Result<Self::Answer, LogsError>;
    async fn by_server(self, server: &Elastic, now: Timestamp) -> Result<Self::Answer, LogsError>;
    fn answered(answer: &mut Self::Answer) -> &mut Answered;
    /// What is answered to a question of the files once the server is back; `None`: the files answer.
    fn when_the_server_is_back(_now: Timestamp) -> Option<Self::Answer> {
        None
    }
}

#[async_trait]
impl LogAsk for PageAsk {
    fn is_of_files(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.place(LogSource::Files).is_some())
    }

    fn is_of_server(&self) -> bool {
        self.cursor.is_some()
    }

    async fn by_files(self, files: &LocalLogs, now: Timestamp) -> Result<LogPage, LogsError> {
        files.page(self, now).await
    }

    async fn by_server(self, server: &Elastic, now: Timestamp) -> Result<LogPage, LogsError> {
        Ok(server.page(self, now).await?)
    }

    fn answered(answer: &mut LogPage) -> &mut Answered {
        &mut answer.answered
    }
}

#[async_trait]
impl LogAsk for HistogramAsk {
    fn is_of_files(&self) -> bool {
        false
    }

    fn is_of_server(&self) -> bool {
        false
    }

    async fn by_files(self, files: &LocalLogs, now: Timestamp) -> Result<Histogram, LogsError> {
        files.histogram(self, now).await
    }

    async fn by_server(self, server: &Elastic, now: Timestamp) -> Result<Histogram, LogsError> {
        Ok(server.histogram(self, now).await?)
    }

    fn answered(answer: &mut Histogram) -> &mut Answered {
        &mut answer.answered
    }
}

#[async_trait]
impl LogAsk for ContextAsk {
    fn is_of_files(&self) -> bool {
        matches!(self.id, EventId::Line { .. })
    }

    fn is_of_server(&self) -> bool {
        true
    }

    async fn by_files(self, files: &LocalLogs, _: Timestamp) -> Result<LogContext, LogsError> {
        files.context(self).await
    }

    async fn by_server(self, server: &Elastic, _: Timestamp) -> Result<LogContext, LogsError> {
        Ok(server.context(self).await?)
    }

    fn answered(answer: &mut LogContext) -> &mut Answered {
        &mut answer.answered
    }
}

#[async_trait]
impl LogAsk for FollowAsk {
    fn is_of_files(&self) -> bool {
        matches!(self.mark, Some(FollowMark::Files(_)))
    }

    fn is_of_server(&self) -> bool {
        self.mark.is_some()
    }

    async fn by_files(self, files: &LocalLogs, now: Timestamp) -> Result<Followed, LogsError> {
        files.follow(self, now).await
    }

    async fn by_server(self, server: &Elastic, now: Timestamp) -> Result<Followed, LogsError> {
        Ok(server.follow(self, now).await?)
    }

    fn answered(answer: &mut Followed) -> &mut Answered {
        &mut answer.answered
    }

    /// A follower of the files is told, and begins anew by the server.
    fn when_the_server_is_back(now: Timestamp) -> Option<Followed> {
        let mark = FollowMark::Index { until: now, seen: Default::default() };
        let answered =
            Answered { source: LogSource::Server, by: "the server that is back".into(), ..Answered::default() };
        Some(Followed { events: Vec::new(), mark, left_out: 0, answered })
    }
}
