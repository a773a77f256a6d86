//! Who may come in: the host's own name, no foreign page, the token when there is one.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::config::ApiConfig;
use super::error::Fail;
use super::routes::page;
use super::state::App;

pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(&app.config, request.headers(), request.uri().path()) {
        Ok(()) => next.run(request).await,
        Err(fail) => fail.into_response(),
    }
}

fn check(config: &ApiConfig, headers: &HeaderMap, path: &str) -> Result<(), Fail> {
    let host = text(headers, header::HOST).unwrap_or_default();
    if !is_known(config, host_of(host)) {
        let message = "this Host is not served; add it under api.hosts when it is yours";
        return Err(Fail::new(StatusCode::MISDIRECTED_REQUEST, "foreign-host", message));
    }
    // A page of another site may send requests through its visitor's browser: they carry its Origin.
    if let Some(origin) = text(headers, header::ORIGIN) {
        let from = origin.split_once("://").map(|(_, rest)| rest);
        if from != Some(host) {
            let message = "requests from pages of other sites are refused";
            return Err(Fail::new(StatusCode::FORBIDDEN, "foreign-origin", message));
        }
    }
    match &config.token {
        Some(token) if path != "/healthz" && !page::is_file(path) => {
            let given = text(headers, header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if given.is_some_and(|given| token.is(given.as_bytes())) {
                return Ok(());
            }
            let message = "send the token: Authorization: Bearer <token>";
            Err(Fail::new(StatusCode::UNAUTHORIZED, "no-token", message))
        }
        _ => Ok(()),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The name without its port: `[::1]` of `[::1]:8080`.
fn host_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

fn is_known(config: &ApiConfig, name: &str) -> bool {
    let own = config.address.ip();
    let is_own = name.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip == own || ip.is_loopback());
    // Listening on every address, any address of this machine is its own.
    let any = own.is_unspecified() && name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    is_own || any || name.eq_ignore_ascii_case("localhost") || config.allowed_hosts.iter().any(|host| host == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Secret;

    fn checked(config: &ApiConfig, pairs: &[(&'static str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        check(config, &headers, "/api/nodes").err().map(|fail| fail.into_response().status().as_u16())
    }

    #[test]
    fn own_names_come_in_and_foreign_ones_do_not() {
        let config = ApiConfig { allowed_hosts: vec!["backend".into()], ..ApiConfig::default() };
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "backend:8080", "LOCALHOST"] {
            assert_eq!(checked(&config, &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example", "10.0.0.1", "", "localhost.evil.example:8080"] {
            assert_eq!(checked(&config, &[("host", host)]), Some(421), "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let config = ApiConfig::default();
        let from = |origin| checked(&config, &[("host", "localhost:8080"), ("origin", origin)]);
        assert_eq!(from("http://localhost:8080"), None);
        assert_eq!(from("http://evil.example"), Some(403));
        assert_eq!(from("null"), Some(403));
    }

    #[test]
    fn a_token_is_asked_for_when_there_is_one() {
        let config = ApiConfig { token: Some(Secret::new("0123456789abcdef").unwrap()), ..ApiConfig::default() };
        let with = |value: &str| checked(&config, &[("host", "localhost"), ("authorization", value)]);
        assert_eq!(with("Bearer 0123456789abcdef"), None);
        for bad in ["Bearer 0123456789abcdeF", "0123456789abcdef", "Basic x", ""] {
            assert_eq!(with(bad), Some(401), "{bad}");
        }
    }
}
