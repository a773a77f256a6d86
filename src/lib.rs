//! zkdeck: a terminal console to watch and operate an Apache ZooKeeper ensemble, and to keep files spread over one
//! folder per server, called a node. The bytes lie on disk, the files' records in ZooKeeper.
//!
//! # The map
//!
//! | folder | what lies there |
//! |---|---|
//! | [`domain`] | the rules, pure: placement and planner, health, quorum, the status machine of a move, commands and events, [`domain::state::State`] |
//! | [`adapters`] | one outside thing each: ZooKeeper, bytes on disk, SQLite, server processes, probes, log files |
//! | [`engine`] | one task that owns the state; loops; jobs that move, upload and delete files; [`engine::handle::Handle`] |
//! | [`console`] | the console as a value: panes draw snapshots, keys become commands; it knows no terminal and no file of the host |
//! | [`tui`] | a terminal around the console |
//! | [`api`] | REST and `/metrics`: routes draw snapshots, requests become commands |
//! | [`config`], [`cli`] | settings and the composition root |
//!
//! # The layer law
//!
//! `domain <- adapters <- engine <- console <- tui`, `engine <- api`, all `<- {config, cli, main}`: left is imported by
//! right, nothing sideways between `tui` and `api`, and fronts see of the engine its handle only.
//! `tests/project/layers.rs` enforces it, and `tests/project/circles.rs` that no files need each other in a circle.
//!
//! # How data flows
//!
//! A key, an HTTP call or a timer becomes a [`domain::command::Command`]. The core checks it against
//! the state and refuses it with a reason, or hands it to a loop or job. Those act through adapters
//! and report [`domain::event::Event`]s. The core folds events into the state and publishes at most
//! ten [`domain::snapshot::Snapshot`]s a second, which fronts draw.
//!
//! A question is a type of [`domain::ask`] with that of its answer. [`engine::handle::Handle::ask`] brings it to the
//! engine's desk, which answers many at once beside the core. A front of another process holds the same handle:
//! [`engine::handle::connect`] brings all of it to a daemon's `/api/socket`.
//!
//! # Where do I add ...
//!
//! | a | new files | and one line in |
//! |---|---|---|
//! | pane | `src/console/panes/x/` | `panes/mod.rs` |
//! | question | `src/domain/x.rs`, `src/engine/desk/x.rs` | `domain/mod.rs`, `desk/mod.rs` |
//! | REST route | `src/api/routes/x.rs` | `api/router.rs`, `docs/openapi.json` |
//! | engine loop | `src/engine/loops/x.rs` | `loops/mod.rs`, `start.rs`, its name in `domain/snapshot.rs` |
//! | field of the snapshot | - | `domain/snapshot.rs`, `domain/follow.rs` |
//! | health rule | - | the table in `domain/health` |
//! | state word | - | its texts in `domain/explain` |
//! | operator action | - | a variant in `command.rs`; the compiler leads on to its check |
//! | theme | `themes/x.toml` | nothing |
//! | setting | - | `config/default.toml` and its struct |
//!
//! `docs/extending.md` goes through each, with a pane that was tried.
#![forbid(unsafe_code)]

// The contract of `Coord` is written once, for the tests in here and for those under `tests/`.
#[cfg(test)]
extern crate self as zkdeck;

pub mod adapters;
pub mod api;
pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod engine;
pub mod tui;
