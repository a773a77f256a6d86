//! Starts the engine from its parts and ends it in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::clock;
use super::context::{Context, Marks};
use super::core::{Core, EVENTS_MAX, INQUIRIES_MAX};
use super::desk::{Desk, Probes};
use super::dispatch::Dispatch;
use super::driver::Driver;
use super::files::underway::Underway;
use super::handle::Handle;
use super::loops::canary::CanaryLoop;
use super::loops::health::HealthLoop;
use super::loops::hosts::HostsLoop;
use super::loops::housekeeping::HousekeepingLoop;
use super::loops::incidents::IncidentsLoop;
use super::loops::past::PastLoop;
use super::loops::scheduler::SchedulerLoop;
use super::loops::scrub::{ScrubConfig, ScrubLoop};
use super::loops::series::SeriesLoop;
use super::loops::session::SessionLoop;
use super::loops::workload::{WorkloadConfig, WorkloadLoop};
use super::operations::Operations;
use crate::adapters::blobs::BlobStore;
use crate::adapters::control::ServerControl;
use crate::adapters::control::process::LocalEnsemble;
use crate::adapters::history::History;
use crate::adapters::logs::Logs;
use crate::adapters::probe::{Probe, Target};
use crate::adapters::prometheus::PrometheusSeries;
use crate::adapters::series::SeriesStore;
use crate::adapters::zookeeper::coord::Connect;
use crate::domain::event::Event;
use crate::domain::snapshot::{InstanceInfo, InstanceView, Level};
use crate::domain::state::{Settings, State};

/// Limits of the steps of an orderly end; together under the five seconds of `SIGTERM`.
const LOOPS_LIMIT: Duration = Duration::from_millis(2_500);
const SESSION_LIMIT: Duration = Duration::from_millis(1_000);
const CORE_LIMIT: Duration = Duration::from_millis(500);

/// What the engine is made of; the composition root builds it.
pub struct Parts {
    pub settings: Settings,
    pub servers: Arc<dyn Connect>,
    pub prober: Arc<dyn Probe>,
    pub targets: Vec<Target>,
    pub blobs: BlobStore,
    pub history: History,
    /// Where measurements are kept; `None` keeps none.
    pub series: Option<SeriesStore>,
    /// Who has measured too, and is asked for what is not kept.
    pub prometheus: Option<PrometheusSeries>,
    pub logs: Logs,
    pub control: Arc<dyn ServerControl>,
    /// The servers of `--local`, not started yet.
    pub local: Option<Arc<LocalEnsemble>>,
    pub workload: WorkloadConfig,
    pub scrub: ScrubConfig,
    pub instance: InstanceView,
    /// What was found out before the start and should be read.
    pub notes: Vec<String>,
}

/// The running engine.
pub struct Engine {
    /// Its driver runs loops and jobs.
    ctx: Context,
    series: Option<SeriesStore>,
    /// The session, which outlives the work that needs it.
    session: Driver,
    core: Driver,
    close: CancellationToken,
    end: CancellationToken,
    local: Option<Arc<LocalEnsemble>>,
}

/// Starts every loop. Returns at once; nothing outside has been reached yet.
#[must_use]
pub fn start(parts: Parts) -> (Handle, Engine) {
    let now = clock::now();
    let (events, events_rx) = mpsc::channel(EVENTS_MAX);
    let (inquiries, inquiries_rx) = mpsc::channel(INQUIRIES_MAX);
    let (catch_ups, catch_ups_rx) = mpsc::channel(INQUIRIES_MAX);
    let (link_tx, link) = watch::channel(None);
    let scheduling = parts.settings.scheduler;
    let mut state = State::new(parts.settings, parts.instance.clone(), now);
    let (handle, handle_end) = Handle::pair(Arc::new(state.snapshot(now)));
    let (stop, close, end) = (handle_end.stop, CancellationToken::new(), CancellationToken::new());
    let work = Driver::new(events.clone(), stop.clone());
    let session = Driver::new(events.clone(), close.clone());
    let core = Driver::new(events.clone(), end.clone());
    let instance = &parts.instance;
    let me = InstanceInfo { scheduler: Some(scheduling), ..instance.info() };
    let ctx = Context {
        events,
        inquiries,
        catch_ups,
        marks: Marks::default(),
        link,
        snapshots: handle.snapshots(),
        blobs: parts.blobs,
        history: parts.history,
        operations: Operations::default(),
        me,
        driver: work.clone(),
        underway: Underway::default(),
        stop: stop.clone(),
    };
    for text in parts.notes {
        state.apply(Event::Notice { level: Level::Info, text }, now);
    }
    let nodes = state.node_ids();
    let (scheduler, port) = SchedulerLoop::new(ctx.clone());
    let (workload, workload_port) = WorkloadLoop::new(ctx.clone(), Arc::clone(&parts.servers), parts.workload);
    let control = parts.control;
    let dispatch = Dispatch::new(ctx.clone(), port.clone(), workload_port, Arc::clone(&control));
    let probes = Probes { prober: Arc::clone(&parts.prober), targets: parts.targets.clone().into() };
    let desk =
        Desk::new(ctx.clone(), parts.logs, Arc::clone(&control), (parts.series.clone(), parts.prometheus), probes);
    core.job("desk", desk.run(handle_end.questions, end.clone()));
    let read_only = instance.read_only;
    session.run(SessionLoop::new(ctx.clone(), parts.servers, nodes.clone(), read_only, link_tx, port, catch_ups_rx));
    work.run(HealthLoop::new(ctx.clone(), parts.prober, parts.targets));
    work.run(HostsLoop::new(ctx.clone(), Arc::clone(&control), parts.local.clone(), nodes));
    work.run(PastLoop::new(ctx.clone()));
    work.run(IncidentsLoop::new(ctx.clone()));
    if let Some(series) = &parts.series {
        work.run(SeriesLoop::new(ctx.clone(), series.clone()));
    }
    if !read_only {
        work.run(CanaryLoop::new(ctx.clone()));
        work.run(HousekeepingLoop::new(ctx.clone()));
        work.run(ScrubLoop::new(ctx.clone(), parts.scrub));
        work.run(scheduler);
        work.run(workload);
    }
    let snapshots = handle_end.snapshots;
    let requests = handle_end.requests;
    let heart =
        Core { state, requests, inquiries: inquiries_rx, events: events_rx, snapshots, dispatch, end: end.clone() };
    let guard = stop.clone().drop_guard();
    core.job("core", async move {
        heart.run().await;
        drop(guard);
    });
    (handle, Engine { ctx, series: parts.series, session, core, close, end, local: parts.local })
}

#[cfg(test)]
impl Engine {
    pub(in crate::engine) const fn context(&self) -> &Context {
        &self.ctx
    }

    /// Ends everything where it stands, as `kill -9` does.
    pub(in crate::engine) fn kill(&self) {
        for driver in [&self.ctx.driver, &self.session, &self.core] {
            driver.kill();
        }
    }
}

impl Engine {
    /// Ends everything in order: loops and jobs finish their step, the session is closed, history is
    /// flushed, the servers of `--local` are stopped. Returns what did not end in time, in words.
    pub async fn end(self) -> Vec<String> {
        let mut late = Vec::new();
        self.ctx.stop.cancel();
        if !self.ctx.driver.ended(LOOPS_LIMIT).await {
            late.push(format!(
                "operations under way did not end in {} ms; their intents tell",
                LOOPS_LIMIT.as_millis()
            ));
        }
        self.close.cancel();
        if !self.session.ended(SESSION_LIMIT).await {
            late.push("the session was not closed in time; it expires by itself".to_owned());
        }
        self.ctx.history.close().await;
        if let Some(series) = &self.series {
            series.close().await;
        }
        if let Some(local) = &self.local {
            local.stop().await;
        }
        self.end.cancel();
        if !self.core.ended(CORE_LIMIT).await {
            late.push("the core did not end in time".to_owned());
        }
        late
    }
}
