use super::*;
use crate::domain::fixtures::{file, maker, node_id};
use crate::domain::ids::Timestamp;
use crate::domain::migration::{IntentKind, IntentState};
use crate::domain::node::NodeState;
use crate::domain::scheduler::MoveReason;

/// Two files with their bytes and their rows: one uploaded, one uploaded and moved.
fn sound() -> WorldView {
    let (first, mut second) = (file(1, "zk1"), file(2, "zk2"));
    second.record.blob = AttemptId::new(20);
    second.record.generation = 2;
    let row = |id, kind, file| CheckedRow {
        id: OperationId::new(id),
        kind,
        status: OperationStatus::Done,
        file: Some(FileId::new(file)),
        before: false,
    };
    let rows =
        vec![row(1, OperationKind::Upload, 1), row(2, OperationKind::Upload, 2), row(20, OperationKind::Migration, 2)];
    let stored = vec![bytes(&first, BlobPlace::Published), bytes(&second, BlobPlace::Published)];
    let nodes = ["zk1", "zk2"].map(|node| (node_id(node), NodeRecord::default())).to_vec();
    WorldView { files: vec![first, second], nodes, stored: Some(stored), rows: Some(rows), ..WorldView::default() }
}

fn bytes(entry: &FileEntry, place: BlobPlace) -> StoredFile {
    StoredFile {
        node: entry.record.owner.clone(),
        place,
        file: (place != BlobPlace::Draft).then_some(entry.id),
        attempt: entry.record.blob,
        size: entry.record.size,
        blake3: Some(entry.record.blake3),
    }
}

fn intent(entry: &FileEntry, kind: IntentKind, state: IntentState) -> Intent {
    let moved = (entry.id, &entry.record);
    let intent = Intent::of_move(AttemptId::new(77), moved, &node_id("zk3"), MoveReason::Manual, maker());
    Intent { state, kind, ..intent }
}

fn stored(picture: &mut WorldView) -> &mut Vec<StoredFile> {
    picture.stored.get_or_insert_default()
}

fn rows(picture: &mut WorldView) -> &mut Vec<CheckedRow> {
    picture.rows.get_or_insert_default()
}

fn invariants(found: &[Violation]) -> Vec<Invariant> {
    found.iter().map(|one| one.invariant).collect()
}

fn after(change: impl FnOnce(&mut WorldView)) -> Vec<Invariant> {
    let mut picture = sound();
    change(&mut picture);
    invariants(&check(&picture))
}

#[test]
fn a_sound_picture_has_no_violation() {
    assert_eq!(check(&sound()), []);
    assert_eq!(check(&WorldView::default()), []);
    assert_eq!(between(&sound(), &sound()), []);
}

#[test]
fn what_is_not_known_is_not_judged() {
    assert_eq!(after(|p| p.stored = None), []);
    assert_eq!(after(|p| p.rows = None), []);
    assert_eq!(after(|p| stored(p).iter_mut().for_each(|one| one.blake3 = None)), []);
}

#[test]
fn each_broken_rule_is_found() {
    use Invariant::{I1, I2, I3, I4, I5, I6, I7, I9};
    assert_eq!(after(|p| _ = stored(p).remove(0)), [I1], "missing bytes");
    assert_eq!(after(|p| stored(p)[0].size = Bytes(1)), [I1], "another size");
    assert_eq!(after(|p| stored(p)[0].node = node_id("zk3")), [I1, I7], "bytes at another node");
    assert_eq!(after(|p| p.unreadable.push("/demo/files/01/x".into())), [I1], "a record that cannot be read");
    assert_eq!(after(|p| p.files.push(file(1, "zk2"))), [I1, I2, I4], "two records");
    assert_eq!(after(|p| stored(p)[0].blake3 = Some(Hash([9; 32]))), [I3], "a flipped bit");
    assert_eq!(after(|p| p.files[1].record.generation = 1), [I4], "a generation that fell");
    assert_eq!(after(|p| p.files[1].record.generation = 3), [I4], "a generation without a row");
    assert_eq!(after(|p| rows(p)[2].status = OperationStatus::Failed), [I4, I5], "a committed move that failed");
    assert_eq!(after(|p| rows(p)[2].id = OperationId::new(21)), [I5], "a row of another attempt");
    assert_eq!(after(|p| stored(p)[0].place = BlobPlace::Trash), [I6], "an owner's bytes in the trash");
    assert_eq!(after(|p| stored(p)[0].place = BlobPlace::Quarantine), [I6], "an owner's bytes in quarantine");
    assert_eq!(after(|p| _ = p.files.remove(0)), [I7, I9], "a record that went");
    assert_eq!(after(|p| _ = rows(p).remove(0)), [I5, I9], "a file that came from nowhere");
}

#[test]
fn bytes_without_record_and_intent_are_unreferenced_unless_put_away() {
    let stray = |place| StoredFile { attempt: AttemptId::new(77), ..bytes(&file(9, "zk3"), place) };
    assert_eq!(after(|p| stored(p).push(stray(BlobPlace::Published))), [Invariant::I7]);
    assert_eq!(after(|p| stored(p).push(stray(BlobPlace::Draft))), [Invariant::I7]);
    assert_eq!(after(|p| stored(p).push(stray(BlobPlace::Trash))), []);
    assert_eq!(after(|p| stored(p).push(stray(BlobPlace::Quarantine))), []);
    let under_way = after(|p| {
        stored(p).push(stray(BlobPlace::Draft));
        p.intents.push((AttemptId::new(77), intent(&file(1, "zk1"), IntentKind::Move, IntentState::Prepared)));
    });
    assert_eq!(under_way, []);
}

#[test]
fn a_move_that_is_committed_and_not_collected_is_no_violation() {
    let mut picture = sound();
    let old = bytes(&picture.files[0], BlobPlace::Published);
    let committed = intent(&picture.files[0], IntentKind::Move, IntentState::Committed);
    let record = picture.files[0].record.moved(node_id("zk3"), AttemptId::new(77), Timestamp(5));
    picture.files[0].record = record;
    let new = bytes(&picture.files[0], BlobPlace::Published);
    stored(&mut picture).push(new);
    assert_eq!(invariants(&check(&picture)), [Invariant::I4, Invariant::I5, Invariant::I7], "without its intent");
    picture.intents.push((AttemptId::new(77), committed));
    assert_eq!(check(&picture), []);
    assert!(stored(&mut picture).contains(&old));
}

#[test]
fn what_came_to_a_node_after_its_drain_began_is_found() {
    let drain = |picture: &mut WorldView, since: u64| {
        let operation = OperationId::new(3);
        let record = &mut picture.nodes[0].1;
        record.state = NodeState::Draining { since_ms: Timestamp(since), files_at_start: 1, operation };
    };
    let came = sound().files[0].record.updated_ms.0;
    assert_eq!(after(|p| drain(p, came + 1)), [], "it was there before");
    assert_eq!(after(|p| drain(p, came - 9_000)), [], "it may have been on its way");
    assert_eq!(after(|p| drain(p, came - 11_000)), [Invariant::I8]);
}

#[test]
fn what_must_not_happen_between_two_pictures_is_found() {
    use Invariant::{I4, I6, I9};
    let then = |before: &mut dyn FnMut(&mut WorldView), after: &mut dyn FnMut(&mut WorldView)| {
        let (mut earlier, mut later) = (sound(), sound());
        before(&mut earlier);
        after(&mut later);
        invariants(&between(&earlier, &later))
    };
    assert_eq!(then(&mut |_| (), &mut |p| p.files[1].record.generation = 1), [I4]);
    assert_eq!(
        then(&mut |_| (), &mut |p| p.files[1].record.owner = node_id("zk3")),
        [I4],
        "moved without a generation"
    );
    assert_eq!(then(&mut |_| (), &mut |p| _ = p.files.pop()), [I9]);
    assert_eq!(then(&mut |p| _ = p.files.pop(), &mut |p| _ = rows(p).remove(1)), [I9]);
    assert_eq!(then(&mut |p| _ = p.files.pop(), &mut |_| ()), [], "it was uploaded meanwhile");
    let trash = &mut |p: &mut WorldView| stored(p)[0].place = BlobPlace::Trash;
    assert_eq!(then(trash, &mut |_| ()), [I6]);
    let deleted = &mut |p: &mut WorldView| {
        p.files.pop();
        let (id, file) = (OperationId::new(30), Some(FileId::new(2)));
        rows(p).push(CheckedRow {
            id,
            kind: OperationKind::Delete,
            status: OperationStatus::Done,
            file,
            before: false,
        });
    };
    assert_eq!(then(&mut |_| (), deleted), []);
}

#[test]
fn only_what_lasts_is_reported_and_names_its_place() {
    let mut picture = sound();
    stored(&mut picture).remove(0);
    let found = check(&picture);
    assert_eq!(lasting(&found, found.clone()), found);
    assert_eq!(lasting(&[], found.clone()), []);
    let text = found[0].to_string();
    let (id, blob) = (picture.files[0].id, picture.files[0].record.blob);
    assert!(text.starts_with(&format!("I1 file {id} node zk1 attempt {blob}: its bytes are missing")), "{text}");
}

/// Its ensemble is gone, or it was deleted on purpose; what quarantine kept of it was adopted under its own id.
#[test]
fn rows_of_a_file_from_before_it_was_adopted_are_of_an_earlier_life() {
    let row = |id, kind, file| CheckedRow {
        id: OperationId::new(id),
        kind,
        status: OperationStatus::Done,
        file: Some(FileId::new(file)),
        before: false,
    };
    let mut picture = sound();
    let adopted = |attempt, entry: &mut FileEntry| {
        entry.record.blob = AttemptId::new(attempt);
        entry.record.generation = 1;
    };
    adopted(30, &mut picture.files[1]);
    adopted(31, &mut picture.files[0]);
    picture.stored = None;
    rows(&mut picture).push(row(21, OperationKind::Delete, 1));
    rows(&mut picture).extend([row(30, OperationKind::Upload, 2), row(31, OperationKind::Upload, 1)]);
    assert_eq!(check(&picture), []);
    // What has happened since is judged as ever.
    rows(&mut picture).push(row(32, OperationKind::Migration, 2));
    assert_eq!(invariants(&check(&picture)), [Invariant::I4]);
}

/// A clock that was put back and an earlier life look alike: neither is a fault by itself.
#[test]
fn rows_from_before_their_record_may_be_of_now_and_need_not_be() {
    let mut picture = sound();
    rows(&mut picture).iter_mut().for_each(|row| row.before = true);
    assert_eq!(check(&picture), [], "the clock was an hour ahead when the files came");
    let earlier = |id, kind| CheckedRow {
        id: OperationId::new(id),
        kind,
        status: OperationStatus::Done,
        file: Some(FileId::new(2)),
        before: true,
    };
    rows(&mut picture).extend([earlier(18, OperationKind::Migration), earlier(19, OperationKind::Delete)]);
    assert_eq!(check(&picture), [], "it lived before");
    rows(&mut picture).retain(|row| row.kind != OperationKind::Migration);
    assert_eq!(invariants(&check(&picture)), [Invariant::I4, Invariant::I5], "a row that is nowhere is missing");
}
