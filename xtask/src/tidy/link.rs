//! Links between the documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::{TextFile, Violation};

/// Every relative link of a Markdown file names a file or folder; its `#place` is a heading there.
pub(super) fn check(root: &Path, files: &[TextFile]) -> Vec<Violation> {
    let read = |path: &Path| {
        let path = path.to_str()?;
        files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.as_str())
    };
    let is_document = |file: &&TextFile| {
        Path::new(&file.path)
            .extension()
            .is_some_and(|end| end == "md")
    };
    let documents = files.iter().filter(is_document);
    let links = documents.flat_map(|file| {
        let lines = (1..).zip(file.text.lines());
        lines.flat_map(move |(number, line)| targets(line).map(move |to| (file, number, to)))
    });
    let broken = links.filter(|(file, _, to)| {
        let (path, place) = to.split_once('#').unwrap_or((to, ""));
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        let path = match path {
            "" => PathBuf::from(&file.path),
            path => normal(&folder.join(path)),
        };
        let text = read(&path);
        !root.join(&path).exists()
            || !(place.is_empty() || text.is_some_and(|text| has(text, place)))
    });
    let report = |(file, number, to): (&TextFile, usize, &str)| {
        Violation::at(&file.path, number, format!("the link `{to}` leads nowhere"))
    };
    broken.map(report).collect()
}

/// What the links of a line lead to, but for addresses.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1);
    let targets = ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter(|target| {
        !target.contains("://") && !target.starts_with("mailto:") && !target.contains("::")
    })
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// Whether a document has a heading that is linked as `place`.
fn has(text: &str, place: &str) -> bool {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let mut slugs = headings.map(|heading| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    });
    slugs.any(|slug| slug == place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() {
        let file = |path: &str, text: &str| TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let links = "[a](../README.md) [b](../README.md#many-instances) [c](https://x.example/y)\n\
                     [d](README.md)\n[e](../README.md#few)\n[f](#here)\n# Here\n";
        let files = [
            file("docs/a.md", links),
            file("README.md", "# Toolkit\n\n## Many instances\n"),
        ];
        let root = std::env::temp_dir().join(format!("xtask-links-{}", std::process::id()));
        std::fs::create_dir_all(root.join("docs")).unwrap();
        for file in &files {
            std::fs::write(root.join(&file.path), &file.text).unwrap();
        }
        let found = check(&root, &files);
        std::fs::remove_dir_all(&root).unwrap();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/a.md:2: the link `README.md` leads nowhere",
                "docs/a.md:3: the link `../README.md#few` leads nowhere",
            ]
        );
    }
}
