//! The engine for a front of another process: questions, commands, and what changes, on one connection.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::IntoResponse;

use crate::api::config::ApiConfig;
use crate::api::error::{Answer, Fail};
use crate::api::state::{App, RequestOrigin, SOCKETS_MAX, UPLOADS_MAX};
use crate::engine::handle::{Frame, Guest, Link, serve};

/// Bytes of one message from a front: a question, or a part of a file.
const MESSAGE_MAX: usize = 1024 * 1024;

/// Goes over to the language of the handle, which only the same release speaks.
pub(in crate::api) async fn socket(
    State(app): State<App>,
    RequestOrigin(peer): RequestOrigin,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let upgrade = upgrade.map_err(|cause| {
        let message = format!("this route is a WebSocket, for another zkdeck: {cause}");
        Fail::new(StatusCode::UPGRADE_REQUIRED, "no-websocket", message)
    })?;
    let place = app.sockets.clone().try_acquire_owned().map_err(|_| {
        let message = format!("{SOCKETS_MAX} connections of other consoles are served already; close one of them");
        Fail::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-sockets", message).retry_after(10)
    })?;
    let served = move |socket| async move {
        let ApiConfig { upload_limit, control_disabled: no_control, .. } = *app.config;
        let uploads = (Arc::clone(&app.uploads), UPLOADS_MAX);
        serve(app.handle, Link::over(socket, write, read), Guest { peer, upload_limit, uploads, no_control }).await;
        drop(place);
    };
    Ok(upgrade.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX).on_upgrade(served).into_response())
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
