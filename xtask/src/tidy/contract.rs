//! The contracts of the store traits and the promises of the kit name the same numbers.

use std::collections::BTreeSet;

use mcp_testkit::{Level, PROMISES};

use super::{TextFile, Violation};

const TRAITS: &str = "mcp-core/src/store/";
const KIT: &str = "mcp-testkit/src/promise.rs";

pub(super) fn check(files: &[TextFile]) -> Vec<Violation> {
    let documented: BTreeSet<_> = files
        .iter()
        .filter(|file| file.path.starts_with(TRAITS))
        .flat_map(|file| numbers(&file.text).map(|(line, id)| (id, file.path.as_str(), line)))
        .collect();
    let unknown = documented
        .iter()
        .filter(|(id, ..)| PROMISES.iter().all(|promise| promise.id != *id))
        .map(|(id, path, line)| {
            Violation::at(path, *line, format!("{id} is no promise of the kit"))
        });
    let missing = PROMISES
        .iter()
        .filter(|promise| matches!(promise.level, Level::Store | Level::Wire))
        .filter(|promise| documented.iter().all(|(id, ..)| *id != promise.id))
        .map(|promise| Violation::of(KIT, format!("no trait promises {}", promise.id)));
    unknown.chain(missing).collect()
}

/// The numbers of promises in doc comments, with their lines: `SS-02`.
fn numbers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines());
    let docs = lines.filter(|(_, line)| line.trim_start().starts_with("//"));
    docs.flat_map(|(number, line)| {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words
            .filter(|word| is_number(word))
            .map(move |word| (number, word))
    })
}

fn is_number(word: &str) -> bool {
    let Some((family, number)) = word.split_once('-') else {
        return false;
    };
    let families = PROMISES
        .iter()
        .filter_map(|promise| promise.id.split_once('-'));
    let is_family = families
        .map(|(family, _)| family)
        .any(|known| known == family);
    is_family && number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_comments() {
        let text = "/// * SS-02, X-01: so\nlet x = \"SS-03\";\n//! UTF-16 (EL-14)";
        let found: Vec<_> = numbers(text).collect();
        assert_eq!(found, [(1, "SS-02"), (1, "X-01"), (3, "EL-14")]);
    }

    #[test]
    fn a_number_that_only_one_side_knows_is_a_violation() {
        let file = TextFile {
            path: format!("{TRAITS}session.rs"),
            text: "/// SS-99".to_owned(),
        };
        let violations = check(&[file]);
        assert_eq!(violations[0].rule, "SS-99 is no promise of the kit");
        let rule = "no trait promises SS-02";
        assert!(violations.iter().any(|violation| violation.rule == rule));
    }
}
