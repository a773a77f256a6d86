//! Simulated worlds: the engine as [`super::start`] starts it, over an ensemble, disks and processes in memory
//! that go wrong in every way that a seed can think of. Time is paused, so an hour takes milliseconds,
//! and a seed always makes the same world.
//!
//! `life` is a world from its seed to its verdict, `story` what happens in it; `process` is one zkdeck and `work` what
//! it does; `sky` decides what befalls whom, `truth` judges each transaction, `sabotage` breaks the protocol on purpose.
//! In `past` the servers come back with an older state, and a `stranger` is a zkdeck of another ensemble. A `moment` is
//! looked at while all goes on, and `calm` tells what holds of core, session and scheduler when all is over.
//!
//! | variable | default | |
//! |---|---|---|
//! | `ZKDECK_SEEDS` | 200 | how many worlds [`tests`] makes |
//! | `ZKDECK_FIRST_SEED` | 0 | the first of them |
//! | `ZKDECK_SEED` | | this world only; its verdict is printed |

mod calm;
mod life;
mod moment;
mod past;
mod process;
mod rng;
mod sabotage;
mod sky;
mod story;
mod stranger;
mod tests;
mod truth;
mod work;
mod world;
