//! A world from its seed to its verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::moment::WorldMoment;
use super::process::{self, Running};
use super::rng::Rng;
use super::sabotage::Sabotage;
use super::sky::{Sky, SkyFault};
use super::story::Story;
use super::world::{REST_MAX, Template, WITNESS, World, until};
use super::{calm, past, work};
use crate::domain::invariants::{Invariant, Violation, check};
use crate::engine::clock;

/// What came of a world.
#[derive(Debug, Default)]
pub(super) struct WorldVerdict {
    pub(super) violations: Vec<String>,
    pub(super) fired: BTreeMap<SkyFault, u64>,
    pub(super) commits: u64,
    /// The same for the same seed.
    pub(super) steps: u64,
    /// Unreferenced bytes that the scrub had to put away.
    pub(super) quarantined: u64,
}

/// Lives through the world of a seed. `only`: the faults that may befall it; all when empty.
pub(super) async fn run(seed: u64, only: &[SkyFault], sabotage: Option<Sabotage>, template: &Template) -> WorldVerdict {
    clock::simulated::begin();
    let mut rng = Rng::new(seed);
    // Those that came later are drawn apart, so that a seed makes the world that it has made before.
    let mut later = Rng::new(!seed);
    let on: BTreeSet<SkyFault> = match only {
        [] => {
            let first: Vec<_> = SkyFault::ALL.into_iter().filter(|_| rng.chance(400)).collect();
            first.into_iter().chain(SkyFault::LATER.into_iter().filter(|_| later.chance(400))).collect()
        }
        only => only.iter().copied().collect(),
    };
    let sky = Arc::new(Sky::new(seed, on.clone()));
    let world = Arc::new(World::new(sky, sabotage, template));
    let witness = process::start(&world, WITNESS, 0);
    until(REST_MAX, || witness.process.is_up()).await;
    for _ in 0..3 {
        if let Some(registry) = witness.process.ctx.registry() {
            _ = work::upload_one(&world, &witness.process, &registry).await;
        }
    }
    witness.end();
    // Otherwise it would lead for ever.
    witness.process.session().iter().for_each(|coord| world.ensemble.forget(coord));
    drop(witness);
    let mut story = Story::new(&world, rng, on, &template.snapshot);
    story.plan_later(&mut later);
    story.troubles().await;
    let rested = story.rest().await;
    let mut verdict = judge(&story).await;
    if let Err(what) = rested {
        verdict.violations.push(format!("no rest in 10 minutes of calm: {what}"));
    }
    if verdict.violations.is_empty() {
        verdict.violations = calm::judge(&story, seed).await;
    }
    if verdict.violations.is_empty() {
        verdict.violations = past::go_back(&mut story).await;
        verdict.fired = world.sky.fired();
    }
    story.running.iter().for_each(Running::end);
    verdict
}

async fn judge(story: &Story<'_>) -> WorldVerdict {
    let (world, sky) = (story.world, &story.world.sky);
    let mut violations = world.truth.violations();
    let moment = WorldMoment::now(world);
    for entry in &moment.files {
        let flipped = story.flipped.contains(&entry.record.blob);
        let (id, generation) = (entry.id, entry.record.generation);
        match moment.blobs.check(entry).await {
            // The scrub may have brought whole ones back.
            Ok(_) if flipped && !moment.is_whole(entry) => {
                violations.push(format!("I3 file {id} of generation {generation}: served flipped"));
            }
            Err(error) if !flipped => violations.push(format!("I1 file {id} of generation {generation}: {error}")),
            _ => {}
        }
    }
    let mut quarantined = 0;
    // With reused names the disk says nothing of attempts.
    if world.sabotage != Some(Sabotage::NameReused) {
        let mut found = check(&moment.picture().await);
        let flipped = |one: &Violation| one.attempt.is_some_and(|attempt| story.flipped.contains(&attempt));
        // They are in quarantine until whole ones are brought back: `calm` judges that.
        found.retain(|one| !matches!(one.invariant, Invariant::I1 | Invariant::I3) || !flipped(one));
        if story.haunted {
            let orphans: Vec<Violation> = found.extract_if(.., |one| one.invariant == Invariant::I7).collect();
            quarantined = orphans.len() as u64;
        }
        violations.extend(found.iter().map(ToString::to_string));
    }
    WorldVerdict { violations, fired: sky.fired(), commits: world.truth.commits(), steps: sky.steps(), quarantined }
}
