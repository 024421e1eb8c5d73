//! Who made something, and when: `author NAME <EMAIL> SECONDS ZONE`.

use crate::{Text, Value};

/// In the order of the schema.
const FIELDS: [&str; 4] = ["date", "timezone", "email", "name"];

/// Reads such a line, its first word included; `None` if there is no address in it.
pub(super) fn read(line: &[u8]) -> Option<Value> {
    let mut parts = line.split(|byte| *byte == b' ').skip(1);
    let mut name = Vec::new();
    let mut part = loop {
        let part = parts.next()?;
        match part.first() {
            Some(b'<') => break part,
            Some(_) => {
                name.extend_from_slice(part);
                name.push(b' ');
            }
            None if !name.is_empty() => name.push(b' '),
            None => {}
        }
    };
    name.pop();
    let mut email = Vec::new();
    loop {
        part = part.strip_prefix(b"<").unwrap_or(part);
        if let Some(last) = part.strip_suffix(b">") {
            email.extend_from_slice(last);
            break;
        }
        email.extend_from_slice(part);
        email.push(b' ');
        part = parts.next()?;
    }
    let date = parts.next().unwrap_or_default().to_vec();
    let zone = parts.next().unwrap_or_default().to_vec();
    let values = [date, zone, email, name].map(|text| Value::String(text.into()));
    Some(Value::Map(
        FIELDS.map(Text::from).into_iter().zip(values).collect(),
    ))
}

/// Writes a person behind the first word of a line; `None` if the value is none.
pub(super) fn write(person: &Value, out: &mut Vec<u8>) -> Option<()> {
    let Value::Map(entries) = person else {
        return None;
    };
    let [date, zone, email, name] = FIELDS.map(|field| match person.get(field) {
        Some(Value::String(text)) => Some(text.as_bytes()),
        _ => None,
    });
    if entries.len() != FIELDS.len() {
        return None;
    }
    out.extend_from_slice(name?);
    out.extend_from_slice(b" <");
    out.extend_from_slice(email?);
    out.push(b'>');
    for part in [date?, zone?] {
        if !part.is_empty() {
            out.push(b' ');
            out.extend_from_slice(part);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(line: &str) -> Option<String> {
        let mut out = Vec::new();
        write(&read(line.as_bytes())?, &mut out)?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn persons_are_read_and_written() {
        for (line, written) in [
            ("author A B <a@b.c> 17 +0100", "A B <a@b.c> 17 +0100"),
            ("author A  B <a@b.c> 17", "A  B <a@b.c> 17"),
            ("author <a@b.c>", " <a@b.c>"),
            ("author A <a b  c> 1 +0000 more", "A <a b  c> 1 +0000"),
            ("author A <>", "A <>"),
        ] {
            assert_eq!(again(line).as_deref(), Some(written), "{line}");
        }
        for line in [
            "author",
            "author A B",
            "author A <a@b.c 17 +0100",
            "author ",
        ] {
            assert_eq!(again(line), None, "{line}");
        }
    }
}
