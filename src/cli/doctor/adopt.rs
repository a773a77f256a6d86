//! `zkdeck doctor --adopt`: says what it will do, asks, and makes records for what lies in quarantine.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use super::options::DoctorOptions;
use super::place::Site;
use super::store::{self, NoStore, Writable};
use crate::adapters::blobs::QuarantinedBlob;
use crate::adapters::zookeeper::election::Membership;
use crate::cli::compose;
use crate::cli::output::{self, PrintResult};
use crate::domain::ids::Bytes;
use crate::domain::number::count;
use crate::domain::snapshot::InstanceInfo;
use crate::engine::clock;
use crate::engine::files::adopt::{Adoption, Fate, Identity};

pub(super) async fn run(options: &DoctorOptions, place: &Site) -> anyhow::Result<ExitCode> {
    let seen = match store::look(place, store::session(place).await).await {
        Ok(seen) => seen,
        Err(NoStore::Unclaimed(_)) => return claim(options, place).await,
        Err(NoStore::Empty(folder)) => anyhow::bail!("nothing can be adopted: {folder} is empty"),
        Err(NoStore::Other(finding)) => match &finding.fix {
            Some(fix) => anyhow::bail!("nothing can be adopted: {}; {fix}", finding.message),
            None => anyhow::bail!("nothing can be adopted: {}", finding.message),
        },
    };
    let kept = seen.blobs.quarantined().await?;
    if kept.is_empty() {
        _ = output::print("quarantine is empty: there is nothing to adopt")?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(history) = &seen.history else {
        anyhow::bail!("there is no history to write the adoptions to; start zkdeck once, which makes or mends it");
    };
    let (mut planned, mut staying) = (Vec::with_capacity(kept.len()), Vec::new());
    for one in kept {
        match Fate::of(&one, &seen.registry, &seen.blobs, history).await? {
            Fate::Adopted(identity) => planned.push((one, identity)),
            Fate::Stays(why) => staying.push((one, why)),
        }
    }
    for (kept, why) in &staying {
        _ = output::print(&format!(
            "  file {} ({}) of {} stays in quarantine: {why}",
            kept.file, kept.size, kept.node
        ))?;
    }
    if planned.is_empty() {
        _ = output::print("there is nothing to adopt")?;
        return Ok(ExitCode::SUCCESS);
    }
    _ = output::print(&plan(&planned))?;
    if !options.yes && !confirmed(&format!("it makes {}", count(planned.len() as u64, "record")))? {
        _ = output::print("nothing was changed")?;
        return Ok(ExitCode::FAILURE);
    }
    // Nothing was opened for change before it was agreed to.
    let adoption = adoption(store::open(place, &seen).await?);
    // Known as an instance, no leader takes its attempts for those of one that is gone.
    let member = Membership::join(&adoption.registry, &adoption.me, false).await?;
    let mut failed = 0_usize;
    // What was confirmed is done to its end, whether or not it can be told; that is told at last.
    let mut printed = Ok(PrintResult::Whole);
    for (one, identity) in &planned {
        let line = match adoption.adopt(one, identity).await {
            Ok(entry) => format!("adopted {} as file {} on {}", entry.record.name, entry.id, one.node),
            Err(failure) => {
                failed += 1;
                format!("file {} of {} stays in quarantine: {failure}", one.file, one.node)
            }
        };
        printed = printed.and_then(|_| output::print(&line));
    }
    member.resign().await;
    adoption.history.close().await;
    adoption.registry.coord().close().await;
    let left = failed + staying.len();
    let count = format!("{} adopted, {left} left in quarantine", planned.len() - failed);
    _ = printed.and_then(|_| output::print(&count))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn adoption(store: Writable) -> Adoption {
    let me = InstanceInfo {
        id: clock::new_instance(),
        host: compose::host_name(),
        pid: std::process::id(),
        since_ms: clock::now(),
        scheduler: None,
        seat: None,
    };
    Adoption { registry: store.registry, blobs: store.blobs, history: store.history, me }
}

/// What will be done, in words.
fn plan(planned: &[(QuarantinedBlob, Identity)]) -> String {
    let bytes = Bytes(planned.iter().map(|(kept, _)| kept.size.0).sum());
    let mut lines: Vec<String> = planned
        .iter()
        .map(|(kept, identity)| {
            let id = if identity.file == kept.file { "its own id" } else { "a new id: another file has its own" };
            format!("  {} ({}) on {}, under {id}", identity.name, kept.size, kept.node)
        })
        .collect();
    lines.push(format!(
        "This makes {}: the files appear in the console, count for the scheduler and may be moved.\n\
         Each is copied out of quarantine ({bytes} of room is needed for a moment) and removed there once its record\n\
         is written. A file that was deleted on purpose comes back; delete it again in the console.",
        count(planned.len() as u64, "record")
    ));
    lines.join("\n")
}

/// A folder with files under an ensemble that has no store: it is new, or its records were removed.
async fn claim(options: &DoctorOptions, place: &Site) -> anyhow::Result<ExitCode> {
    let (folder, root) = (place.config.paths.data.join("uploads"), &place.config.ensemble.root);
    _ = output::print(&format!(
        "The ensemble has no store under {root}. This makes {} its store.\n\
         Files that lie there have no records: they go to quarantine when zkdeck runs, and zkdeck doctor --adopt\n\
         then makes records for them.",
        folder.display()
    ))?;
    if !options.yes && !confirmed("it makes this folder the ensemble's store")? {
        _ = output::print("nothing was changed")?;
        return Ok(ExitCode::FAILURE);
    }
    let id = store::claim(place).await?;
    _ = output::print(&format!(
        "the ensemble's store is {id}; a zkdeck that runs in this folder goes on automatically, \
         else start one; it puts the files into quarantine, and zkdeck doctor --adopt then makes their records"
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn confirmed(what: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("--adopt asks at a terminal before {what}; add --yes to go on without");
    }
    if output::print("Type adopt to go on:")? == PrintResult::Closed {
        return Ok(false);
    }
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "adopt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::{AttemptId, FileId};

    #[test]
    fn the_plan_names_each_file_and_what_follows() {
        let kept =
            QuarantinedBlob { node: node_id("zk1"), file: FileId::new(1), blob: AttemptId::new(2), size: Bytes(1024) };
        let own = Identity { file: kept.file, name: "a.bin".into() };
        let new = Identity { file: FileId::new(9), name: "b.bin (older copy)".into() };
        let text = plan(&[(kept.clone(), own), (kept, new)]);
        assert!(text.contains("a.bin (1 KiB) on zk1, under its own id"), "{text}");
        assert!(text.contains("b.bin (older copy) (1 KiB) on zk1, under a new id"), "{text}");
        assert!(text.contains("makes 2 records") && text.contains("comes back"), "{text}");
    }
}
