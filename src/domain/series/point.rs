//! One value of a series.

use serde::{Deserialize, Serialize};

/// Mean and largest value of a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    pub mean: f32,
    pub max: f32,
}
