//! Health rules.
