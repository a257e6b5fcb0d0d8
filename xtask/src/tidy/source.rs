//! Rules for Rust files: lines that must not stand in them.

use crate::tidy::{TextFile, Violation};

/// A text that no line of code may contain, and why.
struct Ban {
    text: &'static str,
    instead: &'static str,
    /// Files in which it may stand.
    except: &'static [&'static str],
}

const EVERYWHERE: [Ban; 3] = [
    Ban {
        text: concat!("#[", "ignore"),
        instead: "a test that does not run proves nothing",
        // It makes the tests that a backend disclaims, with the reason.
        except: &["mcp-testkit/src/macros.rs"],
    },
    Ban {
        text: concat!("#[", "allow("),
        instead: "use #[expect(.., reason = ..)]",
        except: &[],
    },
    Ban {
        text: concat!("#![", "allow("),
        instead: "use #![expect(.., reason = ..)]",
        except: &[],
    },
];

const SPAWN: &[&str] = &["mcp-core/src/spawn.rs"];

const IN_LIBRARIES: [Ban; 6] = [
    Ban {
        text: "tokio::spawn(",
        instead: "use spawn.rs, so that shutdown can wait for the task",
        except: SPAWN,
    },
    Ban {
        text: "tokio::task::spawn(",
        instead: "use spawn.rs, so that shutdown can wait for the task",
        except: SPAWN,
    },
    Ban {
        text: ".unwrap()",
        instead: "return an error",
        except: &[],
    },
    Ban {
        text: ".expect(",
        instead: "return an error",
        except: &[],
    },
    Ban {
        text: "panic!(",
        instead: "return an error",
        except: &[],
    },
    Ban {
        text: "todo!(",
        instead: "return an error",
        except: &[],
    },
];

pub(super) fn check(file: &TextFile, library: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    violations.extend(find(file, &EVERYWHERE, code(&file.text)));
    if library {
        violations.extend(find(file, &IN_LIBRARIES, without_tests(&file.text)));
    }
    violations
}

fn find<'a>(
    file: &TextFile,
    bans: &[Ban],
    lines: impl Iterator<Item = (usize, &'a str)>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, line) in lines {
        for Ban {
            text,
            instead,
            except,
        } in bans
        {
            if line.contains(text) && !except.contains(&file.path.as_str()) {
                violations.push(Violation::at(
                    &file.path,
                    number,
                    format!("`{text}`: {instead}"),
                ));
            }
        }
    }
    violations
}

/// The lines that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The code before the file's test module. A test module in a file of its own is passed over.
fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut lines = code(text);
    let mut ended = false;
    std::iter::from_fn(move || {
        loop {
            let (number, line) = lines.next().filter(|_| !ended)?;
            if line.trim() != "#[cfg(test)]" {
                return Some((number, line));
            }
            ended = !lines
                .next()
                .is_some_and(|(_, item)| item.trim_end().ends_with(';'));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, library: bool, text: &str) -> Vec<String> {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file, library)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn panics_are_found_in_libraries_only() {
        let text =
            "let a = b.unwrap();\nlet c = d\n    .expect(\"e\");\npanic!(\"f\");\ntodo!();\n";
        let found = check_text("mcp-core/src/a.rs", true, text);
        let places: Vec<_> = found
            .iter()
            .map(|line| line.split(": ").next().unwrap())
            .collect();
        assert_eq!(
            places,
            [
                "mcp-core/src/a.rs:1",
                "mcp-core/src/a.rs:3",
                "mcp-core/src/a.rs:4",
                "mcp-core/src/a.rs:5"
            ]
        );
        assert!(check_text("xtask/src/a.rs", false, text).is_empty());
    }

    #[test]
    fn comments_and_tests_may_panic() {
        let text = "/// a.unwrap()\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() { c.unwrap() }\n}\n";
        assert!(check_text("mcp-core/src/a.rs", true, text).is_empty());
    }

    #[test]
    fn code_after_a_declared_test_module_is_still_checked() {
        let text = "#[cfg(test)]\nmod tests;\n\nfn a() { b.unwrap() }\n";
        assert_eq!(
            check_text("a.rs", true, text),
            ["a.rs:4: `.unwrap()`: return an error"]
        );
    }

    #[test]
    fn tasks_are_spawned_in_one_place() {
        let text = "tokio::spawn(async {});";
        assert!(check_text("mcp-core/src/spawn.rs", true, text).is_empty());
        assert_eq!(check_text("mcp-core/src/b.rs", true, text).len(), 1);
        assert!(check_text("mcp-core/tests/c.rs", false, text).is_empty());
    }

    #[test]
    fn silenced_lints_and_tests_are_found_everywhere() {
        let text = concat!(
            "#[",
            "allow(dead_code)]\n#![",
            "allow(dead_code)]\n#[",
            "ignore = \"slow\"]\n"
        );
        assert_eq!(check_text("xtask/src/a.rs", false, text).len(), 3);
        assert!(
            check_text(
                "xtask/src/a.rs",
                false,
                "#[expect(dead_code, reason = \"x\")]"
            )
            .is_empty()
        );
    }
}
