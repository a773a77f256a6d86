//! Pictures of the console that are kept for review.

use std::fs;
use std::path::Path;

/// A file that no test looks at any more tells nothing.
#[test]
fn no_picture_is_left_over() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/state/tests");
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let (scenes, panes) = (read("scenes.rs"), read("pictures.rs").to_lowercase());
    let there = fs::read_dir(folder.join("snapshots")).unwrap();
    let names: Vec<String> = there.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() > 20, "only {} pictures were found", names.len());
    let asked = read("asked.rs");
    let wanted = |name: &str| {
        if let Some(name) = name.strip_prefix("why-") {
            return asked.contains(&format!("(\"{}\", ", name.trim_end_matches(".snap")));
        }
        let Some((scene, pane)) = name.trim_end_matches(".snap").rsplit_once('-') else { return name == "themes.snap" };
        scenes.contains(&format!("(\"{scene}\", ")) && panes.contains(&format!("\"{pane}\""))
    };
    let over: Vec<_> = names.iter().filter(|name| name.ends_with(".snap") && !wanted(name)).collect();
    assert!(over.is_empty(), "remove {over:?}");
}
