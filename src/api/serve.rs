//! Listens, and serves until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::address::{Looking, Peer};
use super::config::{ApiConfig, ApiError};
use super::drain::{self, Drain};
use super::router::router;
use crate::engine::handle::Handle;

/// How long answers under way may take once the end is asked for.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// An address that is listened on and not served yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// The address with the port that was given.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Listens on the address of the settings.
///
/// # Errors
/// [`ApiError`]: taken, not allowed, or reachable from other machines without a token.
pub async fn bind(config: &ApiConfig) -> Result<Bound, ApiError> {
    let address = config.address;
    if !address.ip().is_loopback() && config.token.is_none() && !config.insecure_bind {
        return Err(ApiError::Open { address });
    }
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::AddrInUse => ApiError::InUse { address },
        _ => ApiError::Bind { address, cause },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address })
}

/// Serves until `stop`; then answers under way get two seconds.
pub async fn serve(bound: Bound, handle: Handle, config: ApiConfig, stop: CancellationToken) {
    let (drain, rests) = Drain::new();
    let service = router(handle, config)
        .layer(from_fn_with_state(drain, drain::keep))
        .into_make_service_with_connect_info::<Peer>();
    let stopped = stop.clone();
    let listener = Looking(bound.listener);
    let serve = axum::serve(listener, service).with_graceful_shutdown(async move { stopped.cancelled().await });
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_LIMIT).await;
    };
    tokio::select! {
        result = serve => if let Err(cause) = result {
            tracing::error!("{}", ApiError::Serve { address: bound.address, cause });
        },
        () = drain::read(rests) => {}
        () = late => tracing::info!("REST: connections that were open {} s after the stop are closed", STOP_LIMIT.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::domain::fixtures::snapshot;

    #[tokio::test]
    async fn other_machines_are_served_with_a_token_or_on_purpose() {
        let token = super::super::Secret::new("0123456789abcdef").ok();
        let (loopback, any) = (([127, 0, 0, 1], 0).into(), ([0, 0, 0, 0], 0).into());
        for (address, token, insecure_bind, served) in [
            (loopback, None, false, true),
            (any, None, false, false),
            (any, token, false, true),
            (any, None, true, true),
        ] {
            let bound = bind(&ApiConfig { address, token, insecure_bind, ..ApiConfig::default() }).await;
            let open = matches!(bound, Err(ApiError::Open { .. }));
            assert_eq!((bound.is_ok(), open), (served, !served), "{address} {insecure_bind}");
        }
    }

    /// Far more than the buffers of both ends hold.
    const BODY: usize = 24 << 20;

    /// A connection that is closed with bytes unread is reset, and the answer is lost with it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_refusal_reaches_who_is_still_sending() {
        let (handle, _end) = Handle::pair(Arc::new(snapshot()));
        let config = ApiConfig { address: ([127, 0, 0, 1], 0).into(), upload_limit: 1 << 20, ..ApiConfig::default() };
        let bound = bind(&config).await.unwrap();
        let (address, stop) = (bound.address(), CancellationToken::new());
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!("POST /api/files?name=a HTTP/1.1\r\nHost: {address}\r\nContent-Length: {BODY}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![0; BODY]).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 413");
            stop.cancel();
        };
        tokio::join!(serve(bound, handle, config, stop.clone()), client);
    }
}
