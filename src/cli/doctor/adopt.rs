//! `zkdeck doctor --adopt`: says what it will do, asks, and makes records for what lies in quarantine.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use super::Options;
use super::place::Place;
use super::store::{self, Store};
use crate::adapters::blobs::Kept;
use crate::adapters::zookeeper::election::Membership;
use crate::cli::compose;
use crate::domain::ids::Bytes;
use crate::domain::snapshot::InstanceInfo;
use crate::engine::clock;
use crate::engine::files::adopt::{Adoption, Identity};

pub(super) async fn run(options: &Options, place: &Place) -> anyhow::Result<ExitCode> {
    let store = match store::open(place).await {
        Ok((store, _)) => store,
        Err(finding) => anyhow::bail!("nothing can be adopted: {}", finding.message),
    };
    let kept = store.blobs.quarantined().await?;
    if kept.is_empty() {
        tell("quarantine is empty: there is nothing to adopt")?;
        return Ok(ExitCode::SUCCESS);
    }
    let adoption = adoption(store)?;
    let mut planned = Vec::with_capacity(kept.len());
    for one in kept {
        let identity = adoption.identity(&one).await?;
        planned.push((one, identity));
    }
    tell(&plan(&planned))?;
    if !options.yes && !confirmed(planned.len())? {
        tell("nothing was changed")?;
        return Ok(ExitCode::FAILURE);
    }
    // Known as an instance, no leader takes its attempts for those of one that is gone.
    let member = Membership::join(&adoption.registry, &adoption.me, false).await?;
    let mut failed = 0_usize;
    for (one, identity) in &planned {
        match adoption.adopt(one, identity).await {
            Ok(entry) => tell(&format!("adopted {} as file {} on {}", entry.record.name, entry.id, one.node))?,
            Err(failure) => {
                failed += 1;
                tell(&format!("file {} of {} stays in quarantine: {failure}", one.file, one.node))?;
            }
        }
    }
    member.resign().await;
    adoption.history.close().await;
    adoption.registry.coord().close().await;
    tell(&format!("{} adopted, {failed} left in quarantine", planned.len() - failed))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn adoption(store: Store) -> anyhow::Result<Adoption> {
    let Some(history) = store.history else {
        anyhow::bail!("there is no history to write the adoptions to; start zkdeck once, which makes or mends it");
    };
    let me = InstanceInfo {
        id: clock::new_instance(),
        host: compose::host_name(),
        pid: std::process::id(),
        since_ms: clock::now(),
    };
    Ok(Adoption { registry: store.registry, blobs: store.blobs, history, me })
}

/// What will be done, in words.
fn plan(planned: &[(Kept, Identity)]) -> String {
    let bytes = Bytes(planned.iter().map(|(kept, _)| kept.size.0).sum());
    let mut lines: Vec<String> = planned
        .iter()
        .map(|(kept, identity)| {
            let id = if identity.file == kept.file { "its own id" } else { "a new id: another file has its own" };
            format!("  {} ({}) on {}, under {id}", identity.name, kept.size, kept.node)
        })
        .collect();
    lines.push(format!(
        "This makes {} records: the files appear in the console, count for the scheduler and may be moved.\n\
         Each is copied out of quarantine ({bytes} of room is needed for a moment) and removed there once its record\n\
         is written. A file that was deleted on purpose comes back; delete it again in the console.",
        planned.len()
    ));
    lines.join("\n")
}

fn confirmed(count: usize) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("--adopt asks at a terminal before it makes {count} records; add --yes to go on without");
    }
    tell("Type adopt to go on:")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "adopt")
}

fn tell(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::{AttemptId, FileId};

    #[test]
    fn the_plan_names_each_file_and_what_follows() {
        let kept = Kept { node: node_id("zk1"), file: FileId::new(1), blob: AttemptId::new(2), size: Bytes(1024) };
        let own = Identity { file: kept.file, name: "a.bin".into() };
        let new = Identity { file: FileId::new(9), name: "b.bin (older copy)".into() };
        let text = plan(&[(kept.clone(), own), (kept, new)]);
        assert!(text.contains("a.bin (1 KiB) on zk1, under its own id"), "{text}");
        assert!(text.contains("b.bin (older copy) (1 KiB) on zk1, under a new id"), "{text}");
        assert!(text.contains("makes 2 records") && text.contains("comes back"), "{text}");
    }
}
