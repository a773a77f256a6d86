//! Stateless helpers for drawing.
