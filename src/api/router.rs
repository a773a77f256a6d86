//! Every route.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, delete, get, post, put};

use super::config::{ApiConfig, CONTROL};
use super::error::Fail;
use super::guard::guard;
use super::routes::{
    at, demo, ensemble, explain, files, health, incidents, logs, nodes, operations, page, scheduler, series, servers,
    settings, socket,
};
use super::state::App;
use crate::engine::handle::Handle;

type Route = (Method, &'static str, fn() -> MethodRouter<App>);

/// Method, path and handler of each route; `docs/openapi.json` describes the same ones.
pub(super) const ROUTES: &[Route] = &[
    (Method::GET, "/healthz", || get(health::healthz)),
    (Method::GET, "/readyz", || get(health::readyz)),
    (Method::GET, "/metrics", || get(health::metrics)),
    (Method::GET, "/api/openapi.json", || get(health::openapi)),
    (Method::POST, "/api/demo/stress", || post(demo::stress)),
    (Method::POST, "/api/workload/run", || post(demo::workload)),
    (Method::GET, "/api/scheduler/diagnostics", || get(scheduler::diagnostics)),
    (Method::POST, "/api/scheduler/run", || post(scheduler::run)),
    (Method::POST, "/api/scheduler/preview", || post(scheduler::preview)),
    (Method::POST, "/api/scheduler/stop", || post(scheduler::stop)),
    (Method::POST, "/api/scheduler/pause", || post(scheduler::pause)),
    (Method::POST, "/api/scheduler/resume", || post(scheduler::resume)),
    (Method::GET, "/api/ensemble", || get(ensemble::ensemble)),
    (Method::GET, "/api/explain", || get(explain::explain)),
    (Method::GET, "/api/servers", || get(servers::list)),
    (Method::POST, CONTROL, || post(servers::act)),
    (Method::GET, "/api/servers/{node}/logs", || get(servers::output)),
    (Method::GET, "/api/nodes", || get(nodes::list)),
    (Method::POST, "/api/nodes/{node}/drain", || post(nodes::drain)),
    (Method::POST, "/api/nodes/{node}/undrain", || post(nodes::undrain)),
    (Method::PUT, "/api/nodes/{node}/weight", || put(nodes::weight)),
    (Method::GET, "/api/files", || get(files::list)),
    (Method::POST, "/api/files", || post(files::store).layer(DefaultBodyLimit::disable())),
    (Method::GET, "/api/files/{id}", || get(files::one)),
    (Method::DELETE, "/api/files/{id}", || delete(files::remove)),
    (Method::GET, "/api/files/{id}/content", || get(files::content)),
    (Method::POST, "/api/files/{id}/migrate", || post(files::migrate)),
    (Method::GET, "/api/operations", || get(operations::list)),
    (Method::GET, "/api/operations/{id}", || get(operations::one)),
    (Method::GET, "/api/incidents", || get(incidents::list)),
    (Method::GET, "/api/logs", || get(logs::search)),
    (Method::GET, "/api/settings", || get(settings::list)),
    (Method::PUT, "/api/settings/{name}", || put(settings::set)),
    (Method::DELETE, "/api/settings/{name}", || delete(settings::unset)),
    (Method::GET, "/api/series", || get(series::list)),
    (Method::GET, "/api/at", || get(at::picture)),
    (Method::GET, "/api/socket", || get(socket::socket)),
];

/// Every route over one engine. Whoever comes in passes the guard first.
pub fn router(handle: Handle, config: ApiConfig) -> Router {
    let control_disabled = config.control_disabled;
    let app = App::new(handle, config);
    let mut router = Router::new();
    for (_, path, handler) in ROUTES {
        router = match control_disabled {
            Some(why) if *path == CONTROL => router.route(path, any(async move || Fail::no_control(why))),
            _ => router.route(path, handler()),
        };
    }
    for (path, kind, text) in page::FILES {
        router = router.route(path, get(async move || page::file(kind, text)));
    }
    router
        .fallback(async || {
            Fail::new(
                StatusCode::NOT_FOUND,
                "no-route",
                "there is no such route; see /api/openapi.json, or / in a browser",
            )
        })
        .method_not_allowed_fallback(async || {
            Fail::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "wrong-method",
                "the route is asked by another method; see /api/openapi.json",
            )
        })
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}
