//! A connection to a daemon's `/api/socket`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::link::{Dial, Frame, Link, Lost};

/// Bytes of one answer: 2,000 events of the logs, each of the largest.
const ANSWER_MAX: usize = 256 * 1024 * 1024;
/// A connection is made within this.
const LIMIT: Duration = Duration::from_secs(10);

/// Where a daemon listens, and what it asks for.
#[derive(Clone)]
pub struct Address {
    /// `http://127.0.0.1:8080`
    name: String,
    socket: String,
    token: Option<HeaderValue>,
}

/// Why a text is no address of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no address of a daemon: write {rule}")]
pub struct InvalidAddress {
    pub given: String,
    pub rule: &'static str,
}

impl Address {
    /// Of `http://HOST:PORT`, or of `HOST:PORT` alone.
    ///
    /// # Errors
    /// [`InvalidAddress`] with the rule that the text breaks.
    pub fn new(text: &str, token: Option<&str>) -> Result<Self, InvalidAddress> {
        let invalid = |rule| InvalidAddress { given: text.to_owned(), rule };
        let place = text.trim();
        let place = place.strip_prefix("http://").unwrap_or(place).trim_end_matches('/');
        if place.is_empty() || place.contains(['/', '@', '?', '#']) || place.contains(char::is_whitespace) {
            return Err(invalid("http://HOST:PORT, as the daemon names it at its start"));
        }
        let bearer = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let token = bearer.transpose().map_err(|_| invalid("a token of visible characters beside it"))?;
        Ok(Self { name: format!("http://{place}"), socket: format!("ws://{place}/api/socket"), token })
    }

    /// Makes connections to it.
    #[must_use]
    pub fn dial(self) -> Dial {
        Arc::new(move || {
            let address = self.clone();
            Box::pin(async move { address.connect().await })
        })
    }

    async fn connect(self) -> Result<Link, Lost> {
        let lost = |why: String, step: &str| Lost(format!("the daemon at {self} {why}; {step}"));
        let wrong = |error: &Error| lost(format!("cannot be asked: {error}"), "check the address");
        let mut request = self.socket.as_str().into_client_request().map_err(|error| wrong(&error))?;
        if let Some(mut token) = self.token.clone() {
            token.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, token);
        }
        let config = WebSocketConfig::default().max_frame_size(Some(ANSWER_MAX)).max_message_size(Some(ANSWER_MAX));
        let running = "see that `zkdeck --daemon` runs there";
        match timeout(LIMIT, connect_async_with_config(request, Some(config), false)).await {
            Err(_) => Err(lost(format!("does not answer for {} s", LIMIT.as_secs()), running)),
            Ok(Ok((socket, _))) => Ok(Link::over(socket, write, read)),
            Ok(Err(Error::Http(response))) => Err(match response.status() {
                StatusCode::UNAUTHORIZED => lost("wants another token".into(), "give the one that it was started with"),
                StatusCode::NOT_FOUND => lost("has no /api/socket".into(), "it is no zkdeck, or an older one"),
                status => lost(
                    format!("answers {status}"),
                    &refusal_text(response.body().as_deref()).unwrap_or_else(|| "read its log".into()),
                ),
            }),
            Ok(Err(Error::Io(error))) => Err(lost(format!("is not reached: {error}"), running)),
            Ok(Err(error)) => Err(wrong(&error)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a refusal says in its own words.
fn refusal_text(body: Option<&[u8]>) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body?).ok()?;
    Some(problem.get("detail")?.as_str()?.to_owned())
}

fn write(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Bytes(bytes) => Message::binary(bytes),
    }
}

fn read(message: Message) -> Option<Frame> {
    match message {
        Message::Text(text) => Some(Frame::Text(text.as_str().to_owned())),
        Message::Binary(bytes) => Some(Frame::Bytes(bytes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["127.0.0.1:8080", "http://127.0.0.1:8080/", " http://[::1]:8080 ", "backend:8080"] {
            let address = Address::new(good, Some("secret")).expect(good);
            assert!(address.socket.starts_with("ws://") && address.socket.ends_with(":8080/api/socket"), "{good}");
        }
        for bad in ["", "http://", "https://host:1", "host:1/x", "user@host:1", "a b"] {
            assert!(Address::new(bad, None).is_err(), "{bad}");
        }
        assert!(Address::new("host:1", Some("a\nb")).is_err());
    }
}
