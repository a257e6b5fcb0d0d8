//! The guide's table of metrics names what the crates report, all of it and nothing else.

use std::collections::BTreeSet;

use super::{TextFile, Violation};

pub(super) const GUIDE: &str = "mcp-transport-http/docs/deployment.md";

pub(super) fn check<'a>(
    library: impl Iterator<Item = &'a TextFile>,
    guide: &str,
) -> Vec<Violation> {
    let reported: BTreeSet<_> = library.flat_map(|file| reported(&file.text)).collect();
    let listed = listed(guide);
    let unknown = listed.difference(&reported);
    let unknown = unknown.map(|name| Violation::of(GUIDE, format!("nothing reports `{name}`")));
    let unlisted = reported.difference(&listed);
    let unlisted =
        unlisted.map(|name| Violation::of(GUIDE, format!("the metric `{name}` is not listed")));
    unknown.chain(unlisted).collect()
}

/// Names are written where they are reported, and are all that begins so.
fn reported(text: &str) -> impl Iterator<Item = &str> {
    let library = text.split("#[cfg(test)]").next().unwrap_or_default();
    let texts = library.split('"').skip(1).step_by(2);
    texts.filter(|text| text.starts_with("mcp.") && is_name(text) && !is_attribute(text))
}

/// The first column of the table.
fn listed(guide: &str) -> BTreeSet<&str> {
    let rows = guide.lines().filter(|line| line.starts_with("| `mcp."));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.collect()
}

fn is_name(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_ascii_lowercase() || matches!(letter, '.' | '_'))
}

/// The names of spans, and what the conventions of OpenTelemetry call attributes.
fn is_attribute(text: &str) -> bool {
    let attributes = ["mcp.method.name", "mcp.protocol.version", "mcp.session.id"];
    let spans = ["mcp.delivery", "mcp.request", "mcp.store"];
    attributes.contains(&text) || spans.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> TextFile {
        TextFile {
            path: "a/src/b.rs".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn code_and_table_must_agree() {
        let code = [file(
            "counter!(\"mcp.a.b\", \"mcp.method.name\" => x); gauge!(\"mcp.c\")",
        )];
        let both = "| `mcp.a.b`, `mcp.c` | counter | `reason` |";
        assert_eq!(check(code.iter(), both), []);
        let one = check(code.iter(), "| `mcp.c` | gauge | |");
        assert_eq!(
            one,
            [Violation::of(GUIDE, "the metric `mcp.a.b` is not listed")]
        );
        let more = "| `mcp.a.b`, `mcp.c`, `mcp.d` | gauge | |";
        let more = check(code.iter(), more);
        assert_eq!(more, [Violation::of(GUIDE, "nothing reports `mcp.d`")]);
    }
}
