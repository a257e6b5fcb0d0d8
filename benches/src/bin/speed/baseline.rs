//! What a request needed when somebody last looked: a file with a line for each kind of work.

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use mcp_benches::work::Work;
use mcp_core::BoxError;

/// How much more than before is too much.
const MOST: f64 = 1.03;

/// What is done with the counted instructions.
pub(crate) enum Baseline {
    None,
    /// They are written.
    Write(PathBuf),
    /// They are compared.
    Check(PathBuf),
}

impl Baseline {
    pub(crate) fn compare(&self, counted: &[(Work, f64)]) -> Result<(), BoxError> {
        match self {
            Self::None => Ok(()),
            Self::Write(file) => {
                let mut text = String::new();
                for (work, instructions) in counted {
                    writeln!(text, "{work:?} {instructions:.0}")?;
                }
                Ok(fs::write(file, text)?)
            }
            Self::Check(file) => check(&fs::read_to_string(file)?, counted),
        }
    }
}

fn check(text: &str, counted: &[(Work, f64)]) -> Result<(), BoxError> {
    let mut known = BTreeMap::new();
    for line in text.lines() {
        let (work, instructions) = line.split_once(' ').ok_or("a line is not `work number`")?;
        known.insert(work, instructions.parse::<f64>()?);
    }
    let mut worse = String::new();
    for (work, instructions) in counted {
        let name = format!("{work:?}");
        let before = known.get(&*name).ok_or(format!("{name} is not known"))?;
        if *instructions > before * MOST {
            write!(worse, "\n{name}: {instructions:.0} instead of {before:.0}")?;
        }
    }
    if worse.is_empty() {
        Ok(())
    } else {
        Err(format!("requests need more instructions than before:{worse}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_percent_more_pass_and_four_do_not() {
        let known = "Call 1000\nList 1000\n";
        assert!(check(known, &[(Work::Call, 1030.0), (Work::List, 500.0)]).is_ok());
        let worse = check(known, &[(Work::Call, 1040.0)]).unwrap_err();
        assert!(worse.to_string().contains("Call: 1040 instead of 1000"));
    }

    #[test]
    fn work_without_a_line_is_an_error() {
        assert!(check("Call 1000\n", &[(Work::Read, 1.0)]).is_err());
    }
}
