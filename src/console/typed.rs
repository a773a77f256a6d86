//! What a command line means.

use super::action::Action;
use super::effect::Effect;
use super::own::GlyphSet;
use crate::domain::explain::Topic;

/// What a typed command leads to.
#[derive(Debug)]
pub enum Typed {
    Effect(Effect),
    /// As if the action's key had been pressed.
    Act(Action),
    Theme(String),
    Mouse(bool),
    Glyphs(GlyphSet),
    /// The list of all settings.
    Settings,
    Who,
    /// What these mean.
    Why(Vec<Topic>),
    /// What was changed is kept in `zkdeck.toml`.
    Save,
    /// The whole console at the moment that these words mean.
    At(String),
    /// From a moment on, at a speed.
    Play(String),
    Now,
}
