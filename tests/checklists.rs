//! `docs/checklists` names the tests that show each requirement: a renamed or deleted one must not stay in the list.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_test_that_a_checklist_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut functions = BTreeSet::new();
    collect(root, &mut functions);
    let mut named = 0;
    let mut missing = Vec::new();
    for entry in fs::read_dir(root.join("docs/checklists")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for name in text.split('`').skip(1).step_by(2).filter_map(test_name) {
            named += 1;
            if !stands(name, &functions) {
                missing.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(named > 500, "{named} names were found");
}

/// The name in `file::name`, if it is long enough to be a sentence.
fn test_name(quoted: &str) -> Option<&str> {
    let name = quoted.rsplit("::").next()?.trim();
    let sentence = name.matches('_').count() >= 3
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '…');
    sentence.then_some(name)
}

/// Whether there is a function of this name, or one that begins like it where the list leaves out the rest.
fn stands(name: &str, functions: &BTreeSet<String>) -> bool {
    match name.split_once('…') {
        None => functions.contains(name),
        Some((start, _)) => functions
            .range(start.to_owned()..)
            .next()
            .is_some_and(|found| found.starts_with(start)),
    }
}

/// The names of all functions in the sources below a folder.
fn collect(folder: &Path, functions: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            if !hidden && !path.ends_with("target") && !path.ends_with("node_modules") {
                collect(&path, functions);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("fn ").skip(1) {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                functions.insert(rest[..end].to_owned());
            }
        }
    }
}
