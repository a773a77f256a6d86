//! The steps of an operation with their times, as history keeps them.

use crate::domain::ids::Timestamp;
use crate::domain::migration::Step;
use crate::domain::operation::OperationStep;
use crate::engine::clock;

/// Notes when each step ended.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    last: Timestamp,
    made: Vec<OperationStep>,
}

impl Steps {
    pub(super) fn begin(at: Timestamp) -> Self {
        Self { last: at, made: Vec::with_capacity(6) }
    }

    pub(super) fn ended(&mut self, step: Step) {
        let now = clock::now();
        self.made.push(OperationStep { name: step.word().into(), at: now, took: now.since(self.last) });
        self.last = now;
    }

    pub(super) fn into_vec(self) -> Vec<OperationStep> {
        self.made
    }
}
