//! Settings of the REST front, and why it cannot be served.

use std::io;
use std::net::SocketAddr;

use super::secret::Secret;

/// The route that goes when control of the servers is turned off.
pub(super) const CONTROL: &str = "/api/servers/{node}/{action}";

/// Settings of the REST front.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    pub address: SocketAddr,
    /// Host names beside `127.0.0.1`, `localhost`, `[::1]` and the address itself under which clients
    /// may come, without a port: `backend`.
    pub allowed_hosts: Vec<String>,
    /// Asked for on every route but `/healthz` when it is set.
    pub token: Option<Secret>,
    /// Listen beyond loopback without a token.
    pub insecure_bind: bool,
    /// Most bytes of a JSON body.
    pub body_limit: usize,
    /// Most bytes of an uploaded file.
    pub upload_limit: u64,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// Why there is no route for control of the servers, when it was turned off.
    pub control_disabled: Option<&'static str>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            allowed_hosts: Vec::new(),
            token: None,
            insecure_bind: false,
            body_limit: 64 * 1024,
            upload_limit: 1 << 30,
            metrics: true,
            control_disabled: None,
        }
    }
}

/// Why the REST front cannot listen or serve.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(
        "REST on {address}: this address can be reached from other machines and no token is set; name a file with one \
         in api.token_file, listen on 127.0.0.1, or set api.insecure = true to serve everybody"
    )]
    Open { address: SocketAddr },
    #[error(
        "REST on {address}: the port is in use by another program; end that program, choose another address, or run \
         with --no-api"
    )]
    InUse { address: SocketAddr },
    #[error(
        "REST on {address}: cannot listen there: {cause}; choose an address of this machine that the user may open"
    )]
    Bind { address: SocketAddr, cause: io::Error },
    #[error("REST on {address}: serving ended: {cause}; start zkdeck again")]
    Serve { address: SocketAddr, cause: io::Error },
}
