//! The rules of a `_redirects` file.

use crate::go_url::Url;

/// The largest file that is read.
pub(crate) const MAX_SIZE: usize = 64 << 10;

/// The longest path that a rule may lead to: placeholders can make one longer than it was.
const MAX_TARGET: usize = 64 << 10;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    from: String,
    to: String,
    /// 200, or a redirect, or one of the errors that have a page.
    pub(crate) status: u16,
}

/// Reads a file.
///
/// # Errors
/// What is wrong in it; nothing of it counts then.
pub(crate) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    if text.len() > MAX_SIZE {
        return Err(format!(
            "redirects file size cannot exceed {MAX_SIZE} bytes"
        ));
    }
    let mut rules = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (from, to, status) = match fields.as_slice() {
            [from, to] => (*from, *to, None),
            [from, to, status] => (*from, *to, Some(*status)),
            [_] | [] => return Err("missing 'to' path".to_owned()),
            _ => return Err("must match format 'from to [status]'".to_owned()),
        };
        check_from(from).map_err(|e| format!("parsing 'from': {e}"))?;
        check_to(to).map_err(|e| format!("parsing 'to': {e}"))?;
        let status = match status {
            None => 301,
            Some(text) => read_status(text).map_err(|e| format!("parsing status {text:?}: {e}"))?,
        };
        rules.push(Rule {
            from: from.to_owned(),
            to: to.to_owned(),
            status,
        });
    }
    Ok(rules)
}

fn check_from(text: &str) -> Result<(), String> {
    match text.matches('*').count() {
        0 => {}
        _ if !text.ends_with('*') => return Err("path must end with asterisk".to_owned()),
        1 => {}
        _ => return Err("path can have at most one asterisk".to_owned()),
    }
    if Url::parse(text).is_none() {
        return Err(format!("parse {text:?}: not a URL"));
    }
    match text.starts_with('/') {
        true => Ok(()),
        false => Err("path must begin with '/'".to_owned()),
    }
}

fn check_to(text: &str) -> Result<(), String> {
    let url = Url::parse(text).ok_or_else(|| format!("parse {text:?}: not a URL"))?;
    let known = ["http", "https", "ipfs", "ipns"];
    match text.starts_with('/') || known.contains(&url.scheme.as_str()) {
        true => Ok(()),
        false => Err("invalid URL scheme".to_owned()),
    }
}

fn read_status(text: &str) -> Result<u16, String> {
    if text.ends_with('!') {
        return Err("forced redirects (or \"shadowing\") are not supported".to_owned());
    }
    let code: i64 = text
        .parse()
        .map_err(|_| format!("strconv.Atoi: parsing {text:?}: invalid syntax"))?;
    match code {
        200 | 301 | 302 | 303 | 307 | 308 | 404 | 410 | 451 => Ok(code as u16),
        _ => Err(format!("status code {code} is not supported")),
    }
}

impl Rule {
    /// Where the rule leads from a path, if it is for it.
    pub(crate) fn matches(&self, path: &str) -> Option<String> {
        let from = self.from.strip_suffix('/').unwrap_or(&self.from);
        let mut wanted: Vec<&str> = from.split('/').collect();
        let open = wanted.last() == Some(&"*");
        if open {
            wanted.pop();
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut rest = Some(path);
        let mut params: Vec<(&str, &str)> = Vec::new();
        for segment in wanted {
            let (have, after) = match rest?.split_once('/') {
                Some((have, after)) => (have, Some(after)),
                None => (rest?, None),
            };
            rest = after;
            match segment.strip_prefix(':') {
                Some(name) => params.push((name, have)),
                None if segment == have => {}
                None => return None,
            }
        }
        let splat = match (open, rest) {
            (true, Some(rest)) => rest,
            (false, None) => "",
            _ => return None,
        };
        // The longest first: `:ab` is not `:a` and a `b`.
        params.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut to = self.to.clone();
        for (name, value) in params {
            to = to.replace(&format!(":{name}"), value);
            if to.len() > MAX_TARGET {
                return None;
            }
        }
        let to = to.replace(":splat", splat);
        (to.len() <= MAX_TARGET).then_some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(rule: &str, path: &str) -> Option<String> {
        parse(rule).unwrap()[0].matches(path)
    }

    #[test]
    fn placeholders_and_splats() {
        for (rule, path, to) in [
            ("/a /b", "/a", Some("/b")),
            ("/a/ /b", "/a", Some("/b")),
            ("/a /b", "/a/c", None),
            ("/a/* /b/:splat", "/a/c/d", Some("/b/c/d")),
            ("/a/* /b/:splat", "/a", None),
            ("/* /index.html 200", "/x/y", Some("/index.html")),
            ("/:y/:m /p/:m-:y", "/2020/01", Some("/p/01-2020")),
            ("/:a/:ab /:ab/:a", "/x/y", Some("/y/x")),
            ("/a https://x/:splat", "/a", Some("https://x/")),
        ] {
            assert_eq!(target(rule, path).as_deref(), to, "{rule} {path}");
        }
    }

    #[test]
    fn what_is_no_rule_spoils_the_file() {
        for (line, why) in [
            ("/a", "missing 'to' path"),
            ("/a /b 301 x", "must match format 'from to [status]'"),
            ("a /b", "parsing 'from': path must begin with '/'"),
            ("/a*b /b", "parsing 'from': path must end with asterisk"),
            (
                "/*/* /b",
                "parsing 'from': path can have at most one asterisk",
            ),
            ("/a ftp://b", "parsing 'to': invalid URL scheme"),
            (
                "/a /b 301!",
                "parsing status \"301!\": forced redirects (or \"shadowing\") are not supported",
            ),
            (
                "/a /b 42",
                "parsing status \"42\": status code 42 is not supported",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err(), why, "{line}");
        }
        assert_eq!(parse("# c\n\n/a /b 302 \n").unwrap()[0].status, 302);
        assert!(parse(&"#".repeat(MAX_SIZE + 1)).is_err());
    }

    proptest! {
        #[test]
        fn survives_anything(text: String, path: String) {
            for rule in parse(&text).unwrap_or_default() {
                rule.matches(&path);
            }
        }
    }
}
