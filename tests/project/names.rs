//! A type's name means one thing in the crate: whoever reads it need not look up which of several it is.
//!
//! What is built for tests only may have any name, and so may the associated types of a trait.

use std::collections::BTreeMap;

use super::circles::production;
use super::paths::{texts, without_comments};

/// The word before the name of a type where it is declared.
const DECLARES: [&str; 5] = ["struct", "enum", "union", "trait", "type"];

/// Names that are declared in more places than one, each with these places. A file comes as its path and its text.
fn twice(files: &[(String, String)]) -> BTreeMap<String, Vec<String>> {
    let of_tests: Vec<_> = files.iter().flat_map(|(path, text)| test_files(path, text)).collect();
    let mut declared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| !of_tests.iter().any(|module| is_of(path, module))) {
        let (code, _) = production(&without_comments(text));
        for name in code.lines().filter_map(declaration) {
            declared.entry(name.to_owned()).or_default().push(path.clone());
        }
    }
    declared.retain(|_, places| places.len() > 1);
    declared
}

/// The paths, without `.rs`, of the modules that a file declares for tests only.
fn test_files(path: &str, text: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let folder = stem.strip_suffix("/mod").unwrap_or(stem);
    let (_, names) = production(&without_comments(text));
    names.into_iter().map(|name| format!("{folder}/{name}")).collect()
}

/// Whether a file is that of a module or of one below it.
fn is_of(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The name of the type that a line declares. An alias inside something else is an associated type.
fn declaration(line: &str) -> Option<&str> {
    let mut words = line.trim_start().split(' ').skip_while(|word| word.starts_with("pub") || word.ends_with(')'));
    let declares = words.next().filter(|word| DECLARES.contains(word))?;
    let name = words.next()?.split(|c: char| !c.is_alphanumeric()).next()?;
    let named = name.starts_with(char::is_uppercase) && (declares != "type" || !line.starts_with(' '));
    named.then_some(name)
}

#[test]
fn no_two_types_have_one_name() {
    let files = texts();
    let declared: usize = files.iter().map(|(_, text)| text.lines().filter_map(declaration).count()).sum();
    assert!(declared > 500, "only {declared} types were found: the reader is broken");
    let twice = twice(&files);
    let findings: Vec<_> =
        twice.iter().map(|(name, places)| format!("{name}: src/{}", places.join(", src/"))).collect();
    assert!(findings.is_empty(), "give each a name of its own\n{}", findings.join("\n"));
}

#[test]
fn a_second_type_of_one_name_is_found_and_what_is_none_is_left_alone() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let one = file(
        "a.rs",
        "pub(super) struct Order {\n}\n#[cfg(test)]\nmod checks;\n#[cfg(test)]\nmod tests {\n    enum Line {}\n}\n",
    );
    for second in [
        "enum Order {",
        "pub trait Order: Send {",
        "pub(in crate::a) type Order<T> = Vec<T>;",
        "fn f() {\n    struct Order;\n}",
    ] {
        let found = twice(&[one.clone(), file("b/c.rs", second)]);
        assert_eq!(found["Order"], ["a.rs", "b/c.rs"], "{second}");
    }
    for other in [
        "struct Orders;",
        "impl A for B {\n    type Order = u8;\n}",
        "// struct Order;\nenum Line {\n    Order,\n}",
        "#[cfg(test)]\npub struct Order;",
    ] {
        assert_eq!(twice(&[one.clone(), file("b/c.rs", other)]).len(), 0, "{other}");
    }
    assert_eq!(twice(&[one, file("a/checks.rs", "struct Order;"), file("a/checks/x.rs", "struct Order;")]).len(), 0);
}
