//! RFC 6570 URI templates, read backwards: which values make a template this URI?

use percent_encoding::percent_decode_str;

/// Longer URIs fit no template, so that matching is cheap whatever a client sends.
const MAX_URI: usize = 8 * 1024;

/// A URI template, in the form that is matched.
#[derive(Clone, Debug)]
pub(crate) struct UriTemplate {
    parts: Vec<Part>,
    names: Vec<String>,
}

/// A variable's name and decoded value.
pub(crate) type Variable<'t> = (&'t str, String);

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    /// One value behind its prefix, at least one character long; or nothing, if optional.
    Value {
        name: String,
        prefix: &'static str,
        /// What ends the value.
        stops: &'static [u8],
        optional: bool,
    },
    /// `?a=1&b=2` in any order, each member optional, up to a fragment.
    Query {
        lead: u8,
        names: Vec<String>,
    },
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Says which expression is not understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut template = Self {
            parts: Vec::new(),
            names: Vec::new(),
        };
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            template.literal(literal)?;
            let (expression, tail) = tail
                .split_once('}')
                .ok_or_else(|| "an expression is not closed".to_owned())?;
            template.expression(expression)?;
            rest = tail;
        }
        template.literal(rest)?;
        Ok(template)
    }

    /// The names of the variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn literal(&mut self, text: &str) -> Result<(), String> {
        if text.contains('}') {
            return Err("`}` without `{`".to_owned());
        }
        if !text.is_empty() {
            self.parts.push(Part::Literal(text.to_owned()));
        }
        Ok(())
    }

    fn expression(&mut self, expression: &str) -> Result<(), String> {
        let (operator, list) = match expression.as_bytes().first() {
            Some(b'+' | b'#' | b'.' | b'/' | b'?' | b'&') => expression.split_at(1),
            _ => ("", expression),
        };
        let mut names = Vec::new();
        for name in list.split(',') {
            if !is_name(name) {
                return Err(format!(
                    "`{{{expression}}}` is not understood; `{{+name}}` takes any text, `/` included"
                ));
            }
            if self.names.iter().any(|known| known == name) {
                return Err(format!("`{name}` stands twice"));
            }
            self.names.push(name.to_owned());
            names.push(name.to_owned());
        }
        if operator == "?" || operator == "&" {
            let lead = if operator == "?" { b'?' } else { b'&' };
            self.parts.push(Part::Query { lead, names });
            return Ok(());
        }
        for (index, name) in names.into_iter().enumerate() {
            self.parts.push(value(operator, index == 0, name));
        }
        Ok(())
    }

    /// The variables that make this URI, if there are any that do.
    ///
    /// Where several divisions are possible, earlier variables take as much as they can.
    pub(crate) fn matches(&self, uri: &str) -> Option<Vec<Variable<'_>>> {
        if uri.len() > MAX_URI {
            return None;
        }
        if let Some(Part::Literal(start)) = self.parts.first()
            && !uri.starts_with(start)
        {
            return None;
        }
        // `reached[n][at]`: the first n parts can end at byte `at`.
        let mut reached = Vec::with_capacity(self.parts.len() + 1);
        let mut here = vec![false; uri.len() + 1];
        here[0] = true;
        for part in &self.parts {
            let next = part.ends(uri, &here);
            reached.push(std::mem::replace(&mut here, next));
        }
        if !*here.last()? {
            return None;
        }
        let mut variables = Vec::new();
        let mut end = uri.len();
        for (part, starts) in self.parts.iter().zip(&reached).rev() {
            end = part.take(uri, starts, end, &mut variables)?;
        }
        Some(variables)
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    !name.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
}

fn value(operator: &str, first: bool, name: String) -> Part {
    let (prefix, stops, optional): (_, &[u8], _) = match (operator, first) {
        ("+", true) => ("", b"", false),
        ("#", true) => ("#", b"", true),
        ("+" | "#", false) => (",", b"", true),
        (".", _) => (".", b"/?#.", true),
        ("/", _) => ("/", b"/?#", true),
        (_, true) => ("", b"/?#,", false),
        (_, false) => (",", b"/?#,", true),
    };
    Part::Value {
        name,
        prefix,
        stops,
        optional,
    }
}

impl Part {
    /// Where this part can end, when it begins at one of `starts`.
    fn ends(&self, uri: &str, starts: &[bool]) -> Vec<bool> {
        let bytes = uri.as_bytes();
        let mut ends = vec![false; starts.len()];
        match self {
            Self::Literal(text) => {
                for at in begins(starts) {
                    if bytes[at..].starts_with(text.as_bytes()) {
                        ends[at + text.len()] = true;
                    }
                }
            }
            Self::Value {
                prefix,
                stops,
                optional,
                ..
            } => {
                if *optional {
                    ends.copy_from_slice(starts);
                }
                let mut within = false;
                for (at, byte) in bytes.iter().enumerate() {
                    within |= value_begins(bytes, starts, prefix, at);
                    within &= !stops.contains(byte);
                    if within && uri.is_char_boundary(at + 1) {
                        ends[at + 1] = true;
                    }
                }
            }
            Self::Query { lead, names } => {
                for at in begins(starts) {
                    ends[at] = true;
                    let end = query_end(bytes, at);
                    if query(uri, at, end, *lead, names).is_some() {
                        ends[end] = true;
                    }
                }
            }
        }
        ends
    }

    /// Takes this part's values out of the URI before `end`; says where the part begins.
    fn take<'t>(
        &'t self,
        uri: &str,
        starts: &[bool],
        end: usize,
        variables: &mut Vec<Variable<'t>>,
    ) -> Option<usize> {
        let bytes = uri.as_bytes();
        match self {
            Self::Literal(text) => end.checked_sub(text.len()),
            Self::Value {
                name,
                prefix,
                stops,
                optional,
            } => {
                if *optional && starts[end] {
                    return Some(end);
                }
                for at in (0..end).rev() {
                    if stops.contains(&bytes[at]) {
                        return None;
                    }
                    if value_begins(bytes, starts, prefix, at) {
                        variables.push((name, decode(uri.get(at..end)?)?));
                        return Some(at - prefix.len());
                    }
                }
                None
            }
            Self::Query { lead, names } => {
                if starts[end] {
                    return Some(end);
                }
                let found = begins(starts).rev().find_map(|at| {
                    let members = query(uri, at, query_end(bytes, at), *lead, names)?;
                    (query_end(bytes, at) == end).then_some((at, members))
                });
                let (at, members) = found?;
                variables.extend(members);
                Some(at)
            }
        }
    }
}

fn begins(starts: &[bool]) -> impl DoubleEndedIterator<Item = usize> {
    starts
        .iter()
        .enumerate()
        .filter_map(|(at, start)| start.then_some(at))
}

/// Whether a value can begin at `at`, its prefix standing before it.
fn value_begins(bytes: &[u8], starts: &[bool], prefix: &str, at: usize) -> bool {
    at.checked_sub(prefix.len())
        .is_some_and(|start| starts[start] && bytes[start..at] == *prefix.as_bytes())
}

/// A query goes on to the fragment.
fn query_end(bytes: &[u8], start: usize) -> usize {
    let fragment = bytes[start..].iter().position(|byte| *byte == b'#');
    fragment.map_or(bytes.len(), |length| start + length)
}

/// The members of the query between two positions, if all of them are known and none is twice.
fn query<'t>(
    uri: &str,
    start: usize,
    end: usize,
    lead: u8,
    names: &'t [String],
) -> Option<Vec<Variable<'t>>> {
    let text = uri.get(start..end)?;
    let members = text.strip_prefix(char::from(lead))?;
    let mut found: Vec<Variable<'t>> = Vec::new();
    for member in members.split('&').filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        let name = names.iter().find(|known| *known == name)?;
        if found.iter().any(|(known, _)| known == name) {
            return None;
        }
        found.push((name, decode(value)?));
    }
    Some(found)
}

fn decode(value: &str) -> Option<String> {
    let text = percent_decode_str(value).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variables in the order of their names, as `name=value` joined by blanks.
    fn matched(template: &str, uri: &str) -> Option<String> {
        let template = UriTemplate::parse(template).unwrap();
        let mut variables = template.matches(uri)?;
        variables.sort();
        let texts = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Some(texts.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn templates_match_what_they_expand_to() {
        for (template, uri, expected) in [
            ("notes://all", "notes://all", ""),
            ("notes://{id}", "notes://7", "id=7"),
            ("notes://{id}", "notes://a%20b%2Fc", "id=a b/c"),
            ("notes://{id}", "notes://grün", "id=grün"),
            ("notes://{id}/raw", "notes://7/raw", "id=7"),
            ("a://{x}/{y}", "a://1/2", "x=1 y=2"),
            ("a://{x,y}", "a://1,2", "x=1 y=2"),
            ("a://{x,y}", "a://1", "x=1"),
            ("a://{x}-{y}", "a://1-2-3", "x=1-2 y=3"),
            ("file:///{+path}", "file:///etc/a.txt", "path=etc/a.txt"),
            ("file:///{+path}", "file:///a?b#c", "path=a?b#c"),
            ("file:///{+dir}/{name}", "file:///a/b/c", "dir=a/b name=c"),
            ("a://x{#part}", "a://x#top", "part=top"),
            ("a://x{#part}", "a://x", ""),
            ("a://x{.ext}", "a://x.txt", "ext=txt"),
            ("a://x{/y}", "a://x/1", "y=1"),
            ("a://x{/y,z}", "a://x/1", "y=1"),
            ("a://x{/y,z}", "a://x/1/2", "y=1 z=2"),
            ("a://x{/y}/end", "a://x/end", ""),
            ("a://x{/y}/end", "a://x/1/end", "y=1"),
            ("s://q{?a,b}", "s://q?b=2&a=1", "a=1 b=2"),
            ("s://q{?a,b}", "s://q?a=%26", "a=&"),
            ("s://q{?a,b}", "s://q?a", "a="),
            ("s://q{?a,b}", "s://q", ""),
            ("s://q?x=1{&a}", "s://q?x=1&a=2", "a=2"),
            ("s://{q}{?a}{#f}", "s://1?a=2#3", "a=2 f=3 q=1"),
        ] {
            assert_eq!(
                matched(template, uri).as_deref(),
                Some(expected),
                "{template} {uri}"
            );
        }
    }

    #[test]
    fn templates_do_not_match_what_they_cannot_expand_to() {
        for (template, uri) in [
            ("notes://all", "notes://al"),
            ("notes://{id}", "notes://"),
            ("notes://{id}", "notes://1/2"),
            ("notes://{id}", "notes://1?x=2"),
            ("notes://{id}", "other://1"),
            ("notes://{id}", "notes://%ff"),
            ("notes://{id}/raw", "notes://7"),
            ("file:///{+path}", "file:///"),
            ("a://x{/y}", "a://x/1/2"),
            ("a://x{/y}", "a://x/"),
            ("s://q{?a}", "s://q?b=1"),
            ("s://q{?a}", "s://q?a=1&a=2"),
        ] {
            assert_eq!(matched(template, uri), None, "{template} {uri}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for template in [
            "a://{x",
            "a://x}",
            "a://{}",
            "a://{x*}",
            "a://{x:3}",
            "a://{;x}",
            "a://{x,x}",
            "a://{x y}",
            "a://{{x}}",
        ] {
            assert!(UriTemplate::parse(template).is_err(), "{template}");
        }
    }

    #[test]
    fn a_long_uri_matches_nothing() {
        assert_eq!(
            matched("a://{+x}", &format!("a://{}", "x".repeat(MAX_URI))),
            None
        );
    }

    #[test]
    fn many_variables_and_a_long_uri_take_little_time() {
        let uri = format!("a://{}", "-".repeat(8_000));
        let template = UriTemplate::parse("a://{+a}-{+b}-{+c}-{+d}-{+e}-{+f}").unwrap();
        let variables = template.matches(&uri).unwrap();
        let lengths: Vec<usize> = variables.iter().map(|(_, value)| value.len()).collect();
        assert_eq!(lengths, [1, 1, 1, 1, 1, 7_990]);
    }
}
