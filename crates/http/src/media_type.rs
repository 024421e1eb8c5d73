//! A media type with parameters, read and refused as Go's `mime.ParseMediaType` does.

/// Reads `type/subtype; name=value`.
///
/// # Errors
/// Go's words for what is wrong.
pub fn parse(text: &str) -> Result<(String, Vec<(String, String)>), String> {
    let (essence, mut rest) = match text.find(';') {
        Some(at) => (&text[..at], &text[at..]),
        None => (text, ""),
    };
    let essence = essence.trim().to_lowercase();
    check(&essence)?;
    let mut params: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let Some((name, value, after)) = param(rest) else {
            // A semicolon at the end says nothing.
            if rest.trim() == ";" {
                break;
            }
            return Err("mime: invalid media parameter".to_owned());
        };
        if params.iter().any(|(have, _)| *have == name) {
            return Err("mime: duplicate parameter name".to_owned());
        }
        params.push((name, value));
        rest = after;
    }
    Ok((essence, params))
}

fn check(essence: &str) -> Result<(), String> {
    let (kind, sub) = match essence.split_once('/') {
        Some((kind, sub)) => (kind, Some(sub)),
        None => (essence, None),
    };
    let length = |text: &str| text.bytes().take_while(|b| is_token(*b)).count();
    if length(kind) == 0 {
        return Err("mime: no media type".to_owned());
    }
    if length(kind) < kind.len() {
        return Err("mime: expected slash after first token".to_owned());
    }
    match sub {
        Some(sub) if length(sub) == 0 => Err("mime: expected token after slash".to_owned()),
        Some(sub) if length(sub) < sub.len() => {
            Err("mime: unexpected content after media subtype".to_owned())
        }
        _ => Ok(()),
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte)
}

/// `; name=value` and what follows it.
fn param(text: &str) -> Option<(String, String, &str)> {
    let rest = text.strip_prefix(';')?.trim_start();
    let length = rest.bytes().take_while(|b| is_token(*b)).count();
    let (name, rest) = rest.split_at(length);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, rest) = value(rest)?;
    Some((name.to_lowercase(), value, rest))
}

fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let length = text.bytes().take_while(|b| is_token(*b)).count();
        let (value, rest) = text.split_at(length);
        return (length > 0).then(|| (value.to_owned(), rest));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &quoted[at + 1..])),
            '\r' | '\n' => return None,
            '\\' => match chars.peek() {
                Some((_, next)) if *next > ' ' && *next < '\x7f' && !is_token(*next as u8) => {
                    out.push(*next);
                    chars.next();
                }
                _ => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_go_takes_and_refuses() {
        let (essence, params) =
            parse("Application/VND.ipld.car; Version=1; order=\"d\\\"fs\";").unwrap();
        assert_eq!(essence, "application/vnd.ipld.car");
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(params, [pair("version", "1"), pair("order", "d\"fs")]);
        for (text, why) in [
            ("application/json; a", "mime: invalid media parameter"),
            (
                "application/json; a=1; a=2",
                "mime: duplicate parameter name",
            ),
            (
                "application/json x",
                "mime: unexpected content after media subtype",
            ),
            ("application/", "mime: expected token after slash"),
            ("", "mime: no media type"),
            ("a b/c", "mime: expected slash after first token"),
        ] {
            assert_eq!(parse(text).unwrap_err(), why, "{text}");
        }
    }

    proptest! {
        #[test]
        fn survives_anything(text: String) {
            let _ = parse(&text);
        }
    }
}
