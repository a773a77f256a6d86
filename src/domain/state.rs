//! The one state that the core owns: events are folded in, snapshots are taken out.
