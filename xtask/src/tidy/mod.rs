//! The house rules that no compiler checks. All violations are reported at once.

mod claims;
mod contract;
mod dependency;
mod document;
mod file;
mod link;
mod manifest;
mod metric;
mod source;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{self, Result};
use crate::workspace::{Package, Workspace};

/// One broken rule, at one place.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    file: String,
    line: Option<usize>,
    rule: String,
}

impl Violation {
    fn at(file: &str, line: usize, rule: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            rule: rule.into(),
        }
    }

    fn of(file: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.rule),
            None => write!(f, "{}: {}", self.file, self.rule),
        }
    }
}

/// A text file of the project, by its path from the root.
#[derive(Debug)]
struct TextFile {
    path: String,
    text: String,
}

/// Checks every rule on every file.
pub(crate) fn check(workspace: &Workspace) -> Result {
    let files = text_files(&workspace.root)?;
    let mut violations = Vec::new();
    for file in &files {
        violations.extend(file::check(file));
        if is_rust(&file.path) {
            violations.extend(source::check(file, is_library(workspace, &file.path)));
        }
    }
    violations.extend(claims::check(&workspace.root));
    violations.extend(contract::check(&files));
    violations.extend(dependency::check(&workspace.root)?);
    violations.extend(document::check(&workspace.root));
    violations.extend(link::check(&workspace.root, &files));
    let guide = files.iter().find(|file| file.path == metric::GUIDE);
    let library = files
        .iter()
        .filter(|file| is_rust(&file.path) && is_library(workspace, &file.path));
    violations.extend(metric::check(
        library,
        guide.map_or("", |guide| &guide.text),
    ));
    for package in workspace.published() {
        violations.extend(manifest::check(
            workspace,
            package,
            &directory(workspace, package),
        ));
    }
    println!(
        "{} files, {} published crates",
        files.len(),
        workspace.published().count()
    );
    if violations.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
    Err(format!("{} violations\n{}", lines.len(), lines.join("\n")).into())
}

/// The files that are in the repository, or would be added to it. What is not UTF-8 is not text.
fn text_files(root: &Path) -> Result<Vec<TextFile>> {
    let list = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listed = run::output(Command::new("git").args(list).current_dir(root))?;
    let mut files = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // A file that was deleted but not yet committed is listed too.
        let Ok(bytes) = fs::read(root.join(path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(TextFile {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

fn is_rust(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "rs")
}

/// Whether a file is part of what users get, and not a test module of it.
fn is_library(workspace: &Workspace, path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    !is_test
        && workspace
            .published()
            .any(|package| path.starts_with(&format!("{}/src/", directory(workspace, package))))
}

/// A package's folder, from the root.
fn directory(workspace: &Workspace, package: &Package) -> String {
    let directory = package.directory();
    directory
        .strip_prefix(&workspace.root)
        .unwrap_or(directory)
        .display()
        .to_string()
}
