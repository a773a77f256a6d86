//! The disks of the nodes fail: full, read-only, failing, without power, with a flipped bit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bench::{Bench, Random};
use crate::lane::{Lane, unmount};
use crate::steps::load;
use crate::strace::Strace;
use crate::tally::Tally;

/// Longest wait for a word in `/readyz`.
const SAY: Duration = Duration::from_secs(20);
/// Longest wait until a node goes on by itself.
const BACK: Duration = Duration::from_secs(60);

fn sh(command: &str, arguments: &[&str]) -> bool {
    Command::new(command).args(arguments).status().is_ok_and(|status| status.success())
}

/// Puts a small file system of its own under a node's folder; says so where that cannot be done.
fn small_disk(lane: &Lane, node: &str) -> Option<PathBuf> {
    let folder = lane.uploads().join(node);
    std::fs::create_dir_all(&folder).unwrap();
    let mounted = sh("mount", &["-t", "tmpfs", "-o", "size=64m", "zkdeck-faults", &folder.to_string_lossy()]);
    if !mounted {
        println!("SKIPPED: a small tmpfs cannot be mounted here; run it as root");
    }
    mounted.then_some(folder)
}

fn remount(folder: &Path, options: &str) -> bool {
    sh("mount", &["-o", &format!("remount,{options}"), &folder.to_string_lossy()])
}

fn used(folder: &Path) -> u64 {
    let stat = rustix::fs::statvfs(folder).unwrap();
    (stat.f_blocks - stat.f_bfree) * stat.f_frsize
}

/// Waits until `/readyz` no longer speaks of `words`.
async fn well_again(lane: &Lane, words: &str) -> bool {
    let mut turns = tokio::time::interval(Duration::from_millis(250));
    let gone = async {
        while lane.alerts().await.contains(words) {
            turns.tick().await;
        }
    };
    tokio::time::timeout(BACK, gone).await.is_ok()
}

/// A target's disk fills up under moves and uploads, then gets room: it goes on by itself.
pub async fn full(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let rounds = if broken.is_some() { 6 } else { rounds };
    bench
        .lanes("reserve_mib = 0", async |lane, _| {
            let mut tally = Tally::default();
            let Some(zk2) = small_disk(lane, "zk2") else { return tally };
            lane.begin().await;
            for _ in 0..rounds {
                let room = used(&zk2) + (600 << 10);
                remount(&zk2, &format!("size={room}"));
                lane.break_rule(broken);
                let before = lane.no_room().await;
                for _ in 0..5 {
                    _ = lane.stress("zk1", 24, 128, true).await;
                    if lane.no_room().await > before {
                        break;
                    }
                }
                tally.count(lane.no_room().await > before || broken.is_some());
                // A rule that is whole again would bring back what was lost.
                if broken.is_none() {
                    lane.disarm();
                }
                remount(&zk2, "size=64m");
                tally.expect("zk2 takes files again by itself", well_again(lane, "zk2 takes no files").await);
                _ = lane.post("/api/scheduler/run", &json!({})).await;
                tally.judge("after a full disk", lane.check().await);
                lane.trim(12).await;
                if broken.is_some() && !tally.violations.is_empty() {
                    break;
                }
            }
            tally
        })
        .await
}

/// A node's disk becomes read-only under moves from and to it, and writable again.
pub async fn read_only(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, _| {
            let mut tally = Tally::default();
            let Some(zk2) = small_disk(lane, "zk2") else { return tally };
            lane.begin().await;
            for round in 0..rounds {
                _ = lane.stress(if round % 2 == 0 { "zk2" } else { "zk1" }, 12, 8, false).await;
                lane.break_rule(broken);
                remount(&zk2, "ro");
                _ = lane.post("/api/scheduler/run", &json!({})).await;
                let wrote = lane.stress("zk2", 3, 8, false).await;
                tally.count(!wrote);
                remount(&zk2, "rw");
                lane.disarm();
                tally.expect("zk2 takes files again by itself", well_again(lane, "zk2 takes no files").await);
                tally.judge("after a read-only disk", lane.check().await);
                let kept = lane.text(0, "/metrics").await.unwrap_or_default();
                let kept = kept.lines().any(|line| line == "zkdeck_quarantined_files 0");
                tally.expect("nothing had to be put into quarantine", kept);
                lane.trim(12).await;
            }
            tally
        })
        .await
}

/// `fsync` and `rename` fail while files move; each round is one injection of many calls.
pub async fn failing(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.begin().await;
            for round in 0..rounds {
                let calls = if round % 2 == 0 { "renameat2" } else { "fsync" };
                lane.break_rule(broken);
                _ = lane.stress(random.node(), 6, 8, false).await;
                let strace = Strace::inject(lane.daemons[0].child.id(), calls, "EIO", None, &lane.folder).await;
                // On a busy machine the first load may be over before it reaches the disk.
                for _ in 0..5 {
                    load(lane, random, Duration::from_secs(2)).await;
                    if strace.injected() > 0 {
                        break;
                    }
                }
                tally.count(strace.end() > 0);
                lane.disarm();
                crate::steps::undrain(lane).await;
                tally.expect("every node takes files again by itself", well_again(lane, "takes no files").await);
                tally.judge(&format!("after {calls} failed"), lane.check().await);
                lane.trim(12).await;
            }
            tally
        })
        .await
}

/// The power goes while files move: the file system forgets what was not synced.
pub async fn power_loss(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let rounds = if broken.is_some() { 6 } else { rounds };
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            let image = lane.folder.with_extension("img");
            if !mount_image(&image, &lane.folder) {
                println!("SKIPPED: no ext4 on a loop device here; run it as root");
                return tally;
            }
            if broken.is_some() {
                lane.impatient();
            }
            for _ in 0..rounds {
                if let Some(rule) = broken {
                    lane.arm(&format!("break {rule}"));
                }
                lane.begin().await;
                crate::steps::undrain(lane).await;
                load(lane, random, Duration::from_millis(500 + random.below(2_000))).await;
                // Acknowledged: these have to be there afterwards. A busy machine may refuse them once.
                let mut made = false;
                for _ in 0..5 {
                    lane.leads(0).await;
                    crate::steps::undrain(lane).await;
                    made = lane.stress(random.node(), 3, 64, false).await;
                    if made {
                        break;
                    }
                }
                let off = power_off(&lane.folder);
                lane.kill(0);
                unmount(&lane.folder);
                let again = sh("mount", &["-o", "loop", &image.to_string_lossy(), &lane.folder.to_string_lossy()]);
                tally.count_kill(off && again && (made || broken.is_some()));
                lane.disarm();
                lane.begin().await;
                tally.judge("after the power went", lane.check().await);
                lane.trim(12).await;
                lane.kill(0);
                if broken.is_some() && !tally.violations.is_empty() {
                    break;
                }
            }
            tally
        })
        .await
}

/// An ext4 of 128 MiB in a file, mounted over the lane's folder, whose settings it takes along.
fn mount_image(image: &Path, folder: &Path) -> bool {
    let settings = std::fs::read(folder.join("zkdeck.toml")).unwrap();
    let made = std::fs::File::create(image).is_ok_and(|file| file.set_len(128 << 20).is_ok())
        && sh("mkfs.ext4", &["-q", "-F", &image.to_string_lossy()])
        && sh("mount", &["-o", "loop", &image.to_string_lossy(), &folder.to_string_lossy()]);
    if made {
        std::fs::write(folder.join("zkdeck.toml"), settings).unwrap();
        rustix::fs::sync();
    }
    made
}

/// The shutdown call of ext4 without a flush of its log: what was not synced is gone.
fn power_off(folder: &Path) -> bool {
    let program =
        "import fcntl,os,struct,sys;fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),0x8004587d,struct.pack('I',2))";
    sh("python3", &["-c", program, &folder.to_string_lossy()])
}

/// A bit flips in a file: it is kept, told, not served and not moved.
pub async fn bit_flip(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.begin().await;
            if let Some(rule) = broken {
                return lying_disk(lane, rule).await;
            }
            _ = lane.stress("zk1", 9, 8, true).await;
            for _ in 0..rounds {
                // A file that was never moved: no whole copy of it lies in a trash, from where it would come back.
                _ = lane.stress("zk1", 1, 8, false).await;
                let files: Vec<Value> = lane.files().await.into_iter().filter(|file| file["moves"] == 0).collect();
                if files.is_empty() {
                    tally.expect("there are files", false);
                    return tally;
                }
                let file = &files[random.below(files.len() as u64) as usize];
                let text = |field: &str| file[field].as_str().unwrap_or_default().to_owned();
                let (id, owner) = (text("id"), text("owner"));
                let path = lane.uploads().join(&owner).join(format!("{id}.{}", text("blob")));
                flip(&path, random);
                let target = if owner == "zk1" { "zk2" } else { "zk1" };
                let told = lane.says("is damaged", SAY).await;
                tally.count(told);
                let moved = lane.post(&format!("/api/files/{id}/migrate"), &json!({"target": target})).await;
                tally.expect("a damaged file is not moved", moved.is_some_and(|(status, _)| status.as_u16() == 409));
                let served = lane.text(0, &format!("/api/files/{id}/content")).await.unwrap_or_default();
                tally.expect("a damaged file is not served", served.contains("damaged"));
                let now = lane.files().await;
                let owner_now = now.iter().find(|now| now["id"] == file["id"]).map(|now| now["owner"].clone());
                tally.expect("a damaged file stays where it is", owner_now == Some(Value::from(owner)));
                unflip(&path);
                tally.expect("a file that is whole again is told", well_again(lane, "is damaged").await);
                tally.judge("after a flipped bit", lane.check().await);
            }
            tally
        })
        .await
}

/// The control of [`bit_flip`]: a disk keeps other bytes than it is given, and nothing whole is brought back.
async fn lying_disk(lane: &mut Lane, rule: &str) -> Tally {
    let mut tally = Tally::default();
    lane.impatient();
    lane.arm(&format!("break {rule}"));
    _ = lane.stress("zk1", 3, 8, false).await;
    tally.count(lane.fired(&format!("break {rule}")) > 0);
    tally.judge("on a disk that lies", lane.check().await);
    tally
}

/// Where the bit was flipped is kept beside the uploads.
fn flip(path: &Path, random: &Random) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = random.below(bytes.len() as u64) as usize;
    bytes[at] ^= 1 << random.below(8);
    let whole = std::fs::read(path).unwrap();
    std::fs::write(saved(path), whole).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn unflip(path: &Path) {
    std::fs::write(path, std::fs::read(saved(path)).unwrap()).unwrap();
}

fn saved(path: &Path) -> std::path::PathBuf {
    path.ancestors().nth(4).unwrap().join("whole")
}

/// The clock jumps an hour ahead and back while files move.
pub async fn clock_jump(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            let rule = broken.map(|rule| format!("\nbreak {rule}")).unwrap_or_default();
            lane.begin().await;
            for _ in 0..rounds {
                let before = lane.begun_ahead().await;
                lane.arm(&format!("clock 3600000{rule}"));
                let made = lane.stress(random.node(), 6, 8, true).await;
                tally.count(lane.begun_ahead().await > before);
                tally.expect("the files are made with the clock ahead", made);
                lane.arm(&format!("clock 0{rule}"));
                let made = lane.stress(random.node(), 6, 8, true).await;
                tally.expect("the files are made when the clock is back", made);
                lane.disarm();
                sleep(Duration::from_millis(random.below(300))).await;
                tally.judge("after the clock jumped", lane.check().await);
                lane.trim(12).await;
            }
            tally
        })
        .await
}
