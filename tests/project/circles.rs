//! Circles of files: what needs itself by way of others can be neither read nor tested alone.
//!
//! An arrow runs from a file to the one that defines what its production code names. A parent that declares its children
//! or passes on what they define points at nobody; a child that uses what its parent defines points at the parent.
//! What is reached by a method alone is not seen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::{Import, imports, rooted, texts, within, without_comments};

/// How many imports are followed from one name: what imports itself would have no end.
const IMPORTS_MAX: usize = 8;

/// A file of the crate as a module; its name is the path of the module below the crate's root, which is "".
struct Module {
    file: String,
    children: BTreeSet<String>,
    imports: Vec<Import>,
    /// The production code without comments, imports and the names of its children.
    code: String,
}

/// The modules by their paths.
type Modules = BTreeMap<String, Module>;

/// The files that a file needs, with an item of each for which.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

/// The modules of production code; a path is relative to `src/`, with `/`.
fn modules(files: &[(String, String)]) -> Modules {
    let mut modules = Modules::new();
    let mut of_tests = Vec::new();
    for (file, text) in files {
        let path = module_of(file);
        let (code, tests) = production(&without_comments(text));
        of_tests.extend(tests.into_iter().map(|name| below(&path, &name)));
        let (imports, code) = imports(&code);
        let children = code.lines().filter_map(child).collect();
        let code = code.lines().filter(|line| child(line).is_none()).collect::<Vec<_>>().join("\n");
        modules.insert(path, Module { file: file.clone(), children, imports, code });
    }
    modules.retain(|path, _| !of_tests.iter().any(|left_out| within(path, left_out)));
    modules
}

/// `engine::core` for `engine/core.rs`, `engine` for `engine/mod.rs`, and nothing for `lib.rs`.
fn module_of(file: &str) -> String {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

fn below(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// The name in a line `mod name;`.
fn child(line: &str) -> Option<String> {
    let line = line.strip_suffix(';')?;
    let (scope, name) = line.split_once("mod ")?;
    (scope.is_empty() || scope.starts_with("pub")).then(|| name.to_owned())
}

/// The code without what is built for tests only, and the files that are.
pub(super) fn production(code: &str) -> (String, Vec<String>) {
    let (mut kept, mut files) = (String::new(), Vec::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.extend([line, "\n"]);
            continue;
        }
        let Some(item) = lines.by_ref().find(|line| !line.trim_start().starts_with("#[")) else { break };
        files.extend(child(item));
        if !item.trim_end().ends_with([';', ',', '}']) {
            // Formatted code closes an item where it began.
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let _ = lines.by_ref().find(|line| line.starts_with(&end));
        }
    }
    (kept, files)
}

/// The file in which an item is defined, and the item.
type Place = (String, String);

/// Where a path leads: to a module as a whole, or to what is defined in one.
enum Target {
    Module,
    Item(Place),
}

/// Where `path` leads when it is written in `module`; nowhere when it leaves this crate.
fn resolve(modules: &Modules, module: &str, path: &str, imports: usize) -> Option<Target> {
    let mut parts = path.split("::").peekable();
    let mut at = module.to_owned();
    match parts.next()? {
        "crate" | "zkdeck" => at.clear(),
        "self" => {}
        "super" => at = parent(&at),
        first => return step(modules, &at, first, &parts.collect::<Vec<_>>(), imports, true),
    }
    while parts.next_if_eq(&"super").is_some() {
        at = parent(&at);
    }
    match parts.next() {
        Some(next) => step(modules, &at, next, &parts.collect::<Vec<_>>(), imports, false),
        None => modules.contains_key(&at).then_some(Target::Module),
    }
}

fn parent(module: &str) -> String {
    module.rsplit_once("::").map(|(parent, _)| parent.to_owned()).unwrap_or_default()
}

/// From `module` by `name` and then the `rest`. A `bare` name is that of a child or an import, or of another crate.
fn step(modules: &Modules, at: &str, name: &str, rest: &[&str], imports: usize, bare: bool) -> Option<Target> {
    let module = modules.get(at)?;
    let import = module.imports.iter().flat_map(|import| &import.names).find(|named| named.name == name);
    // A function may have the name of its module: at the end of a path it is the function that is imported.
    if module.children.contains(name) && (import.is_none() || !rest.is_empty()) {
        let at = below(at, name);
        return match rest.split_first() {
            Some((next, rest)) => step(modules, &at, next, rest, imports, false),
            None => modules.contains_key(&at).then_some(Target::Module),
        };
    }
    if let Some(import) = import
        && imports < IMPORTS_MAX
        && import.path != name
    {
        let path = [&[import.path.as_str()], rest].concat().join("::");
        return resolve(modules, at, &path, imports + 1);
    }
    (!bare).then(|| Target::Item((module.file.clone(), name.to_owned())))
}

/// Whether `code` uses `name`; a method or a function of its own with that name is another.
fn names(code: &str, name: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let is_word = !before.ends_with(part_of_word) && !after.starts_with(part_of_word);
        is_word && !before.ends_with('.') && !before.ends_with("fn ")
    })
}

/// Each item that the production code of a module names, with the file that defines it.
fn used(modules: &Modules, path: &str, module: &Module) -> Vec<Place> {
    let mut places = Vec::new();
    let mut prefixes: BTreeSet<&str> = module.children.iter().map(String::as_str).collect();
    prefixes.extend(["crate", "zkdeck", "self", "super"]);
    for import in &module.imports {
        for named in &import.names {
            match resolve(modules, path, &named.path, 0) {
                Some(Target::Module) => {
                    prefixes.insert(&named.name);
                }
                // Passed on and not used here.
                Some(Target::Item(_)) if import.public && !names(&module.code, &named.name) => {}
                Some(Target::Item(place)) => places.push(place),
                None => {}
            }
        }
    }
    let written = prefixes.into_iter().flat_map(|prefix| rooted(&module.code, prefix));
    for path_in_code in written {
        if let Some(Target::Item(place)) = resolve(modules, path, &path_in_code, 0) {
            places.push(place);
        }
    }
    places
}

fn arrows(modules: &Modules) -> Arrows {
    let mut arrows = Arrows::new();
    for (path, module) in modules {
        let needs = arrows.entry(module.file.clone()).or_default();
        for (file, item) in used(modules, path, module) {
            if file != module.file {
                needs.entry(file).or_insert(item);
            }
        }
    }
    arrows
}

/// The shortest way from a file back to itself; none when there is no circle through it.
fn shortest<'a>(arrows: &'a Arrows, start: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            if came_from.contains_key(next.as_str()) {
                continue;
            }
            came_from.insert(next.as_str(), file);
            queue.push_back(next);
        }
    }
    let mut way = vec![start];
    let mut file = *came_from.get(start)?;
    while file != start {
        way.push(file);
        file = came_from[file];
    }
    way.reverse();
    way.rotate_right(1);
    Some(way)
}

/// All files that can be reached from one.
fn reached<'a>(arrows: &'a Arrows, start: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut queue = vec![start];
    while let Some(file) = queue.pop() {
        let new = arrows.get(file).into_iter().flat_map(BTreeMap::keys).filter(|next| reached.insert(next.as_str()));
        queue.extend(new.map(String::as_str).collect::<Vec<_>>());
    }
    reached
}

/// Every knot of files that need each other, in words: a shortest circle of it, and how many files it holds.
fn circles(files: &[(String, String)]) -> Vec<String> {
    let arrows = arrows(&modules(files));
    let reach: BTreeMap<_, _> = arrows.keys().map(|file| (file.as_str(), reached(&arrows, file))).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (&file, from_here) in &reach {
        let knot: Vec<_> = from_here.iter().copied().filter(|other| reach[other].contains(file)).collect();
        if knot.is_empty() || !seen.insert(knot.clone()) {
            continue;
        }
        let ways = knot.iter().filter_map(|file| shortest(&arrows, file));
        let Some(way) = ways.min_by_key(Vec::len) else { continue };
        let next = way.iter().cycle().skip(1);
        let steps =
            way.iter().zip(next).map(|(&from, &to)| format!("src/{from} needs {} of src/{to}", arrows[from][to]));
        let steps = steps.collect::<Vec<_>>().join(", ");
        findings.push(format!("{steps} ({} files need each other: {})", knot.len(), knot.join(" ")));
    }
    findings
}

#[test]
fn no_files_need_each_other() {
    let files = texts();
    let count: usize = arrows(&modules(&files)).values().map(BTreeMap::len).sum();
    assert!(count > 500, "only {count} arrows were found: the reader is broken");
    let findings = circles(&files);
    assert!(findings.is_empty(), "{} circles\n{}", findings.len(), findings.join("\n"));
}

/// Files as they are written here: a line with the path, then the lines of the file.
fn written(text: &str) -> Vec<(String, String)> {
    let parts = text.split("== ").skip(1).filter_map(|part| part.split_once('\n'));
    parts.map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// Each is a circle in another way of writing it, and must be found, or the test above is void.
#[test]
fn a_circle_is_found() {
    const ROOT: &str = "== lib.rs\npub mod domain;\n";
    const DOMAIN: &str = "== domain/mod.rs\npub mod a;\npub mod b;\npub mod c;\npub use self::b::B;\n";
    let made = [
        "== domain/a.rs\nuse super::b::B;\npub struct A(B);\n== domain/b.rs\npub struct B(crate::domain::a::A);\n",
        "== domain/a.rs\nuse crate::domain::{\n    b::B as Other,\n    c::C,\n};\n== domain/b.rs\nuse super::a::A;\n",
        "== domain/a.rs\nuse super::B;\n== domain/b.rs\nuse super::c::C;\n== domain/c.rs\nuse crate::domain::a::A;\n",
        "== domain/a.rs\nuse super::b;\nfn f() {\n    b::g();\n}\n== domain/b.rs\nfn g() {\n    super::a::f();\n}\n",
        "== domain/a.rs\npub mod x;\npub use self::x::X;\npub struct A(X);\n== domain/a/x.rs\nuse super::A;\n",
        "== domain/a.rs\npub mod x;\nfn f() {\n    x::g();\n}\n== domain/a/x.rs\npub fn g(_: super::A) {}\n",
    ];
    for files in made {
        let found = circles(&written(&format!("{ROOT}{DOMAIN}{files}")));
        assert_eq!(found.len(), 1, "{files}: {found:?}");
    }
    let found = circles(&written(&format!("{ROOT}{DOMAIN}{}", made[2])));
    assert_eq!(
        found,
        ["src/domain/a.rs needs B of src/domain/b.rs, src/domain/b.rs needs C of src/domain/c.rs, \
          src/domain/c.rs needs A of src/domain/a.rs (3 files need each other: domain/a.rs domain/b.rs domain/c.rs)"]
    );
}

#[test]
fn what_is_no_circle_is_left_alone() {
    let good = [
        // A parent passes on what its child defines, and the child uses what the parent does.
        "== domain/mod.rs\npub mod a;\npub(in crate::domain) use self::a::look;\npub struct D;\nimpl D {\n    fn look(&self) {}\n}\n\
         == domain/a.rs\nuse super::D;\npub fn look(_: D) {}\n",
        // The item of a re-export is where it is defined.
        "== domain/mod.rs\npub mod a;\npub mod b;\npub use self::b::B;\nuse self::a::A;\n== domain/a.rs\nuse super::B;\n\
         == domain/b.rs\npub struct B;\n",
        // Tests may need anything.
        "== domain/mod.rs\npub mod a;\npub mod b;\n#[cfg(test)]\nmod checks;\n== domain/a.rs\nuse super::b::B;\n\
         #[cfg(test)]\nimpl B {\n    fn f(_: super::a::A) {}\n}\n\
         == domain/b.rs\n#[cfg(test)]\nmod tests {\n    use super::super::a::A;\n}\n\
         == domain/checks.rs\nuse super::a::A;\n// use super::checks;\n",
    ];
    for files in good {
        let found = circles(&written(&format!("== lib.rs\npub mod domain;\n{files}")));
        assert_eq!(found, Vec::<String>::new(), "{files}");
    }
}
