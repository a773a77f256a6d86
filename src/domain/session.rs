//! The session with the ensemble.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    Connecting,
    Connected,
    Disconnected,
    Expired,
}
