//! The page for a browser: what this is, whether it is well, and how to open the console.
//!
//! Its files are the same for everybody and say nothing of the ensemble, so they need no token; what is live on the
//! page comes from the other routes, which do. No host but this one is asked, and nothing in the page runs that is
//! not one of these files.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The files need each other and the routes of this host, and nothing else. The icon is an empty one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where each file is, its type and its text.
pub(in crate::api) const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/ui", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/ui/", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/ui/page.css", "text/css; charset=utf-8", include_str!("../page/page.css")),
    ("/ui/page.js", "text/javascript; charset=utf-8", include_str!("../page/page.js")),
];

/// Whether the path is a file of the page.
pub(in crate::api) fn is_file(path: &str) -> bool {
    FILES.iter().any(|(file, ..)| *file == path)
}

pub(in crate::api) fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
