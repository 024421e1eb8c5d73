//! Media types of files, by name as Go's `mime` and by content as Kubo.

mod content;
mod names;

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

/// The type that a name says; `None` for a name that says nothing.
pub(crate) fn of_name(name: &str) -> Option<String> {
    let last = name.rsplit('/').next().unwrap_or_default();
    let extension = &last[last.rfind('.')?..];
    lookup(extension).or_else(|| lookup(&extension.to_lowercase()))
}

/// The type that the first bytes of a file say.
pub(crate) fn of_content(head: &[u8]) -> String {
    if head.is_empty() {
        return "text/plain".to_owned();
    }
    if let Some(media) = content::binary(head) {
        return media.to_owned();
    }
    let told = mimetype_detector::detect(head).mime();
    content::text(head, told).unwrap_or_else(|| told.to_owned())
}

fn lookup(extension: &str) -> Option<String> {
    if let Some(known) = names::BUILTIN.iter().find(|(name, _)| *name == extension) {
        return Some(with_charset(known.1));
    }
    SYSTEM.get(extension).map(|media| with_charset(media))
}

fn with_charset(media: &str) -> String {
    match media.starts_with("text/") && !media.contains("charset") {
        true => format!("{media}; charset=utf-8"),
        false => media.to_owned(),
    }
}

/// What the system knows beyond [`names::BUILTIN`]; read once.
static SYSTEM: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    const GLOBS: [&str; 2] = ["/usr/local/share/mime/globs2", "/usr/share/mime/globs2"];
    const TYPES: [&str; 3] = [
        "/etc/mime.types",
        "/etc/apache2/mime.types",
        "/etc/apache/mime.types",
    ];
    let globs = GLOBS.iter().find_map(|path| read(path));
    if let Some(text) = globs {
        return globs_of(&text);
    }
    let mut all = HashMap::new();
    for text in TYPES.iter().filter_map(|path| read(path)) {
        all.extend(types_of(&text));
    }
    all
});

/// No list of types is longer.
const MAX_FILE: u64 = 4 << 20;

fn read(path: &str) -> Option<String> {
    let path = Path::new(path);
    let small = path.metadata().is_ok_and(|m| m.len() <= MAX_FILE);
    let bytes = small.then(|| std::fs::read(path).ok())??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Lines of `50:text/plain:*.txt`; the first of an extension counts.
fn globs_of(text: &str) -> HashMap<String, String> {
    let mut all = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (Some(_), Some(media), Some(glob)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Some(extension) = glob.strip_prefix('*') else {
            continue;
        };
        let plain = !extension.contains(['*', '?', '[']);
        if line.starts_with('#') || !extension.starts_with('.') || !plain {
            continue;
        }
        all.entry(extension.to_owned())
            .or_insert_with(|| media.to_owned());
    }
    all
}

/// Lines of `text/plain txt asc`.
fn types_of(text: &str) -> HashMap<String, String> {
    let mut all = HashMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(media) = words.next() else { continue };
        for extension in words {
            all.insert(format!(".{extension}"), media.to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_types() {
        assert_eq!(
            of_name("a.HTML").as_deref(),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(of_name("x/.png").as_deref(), Some("image/png"));
        assert_eq!(of_name("a.b/c"), None);
        assert_eq!(of_name("a.no-such-type"), None);
    }

    #[test]
    fn lists_of_the_system_are_read() {
        let globs = globs_of(
            "#c:x:*.y\n80:text/x-a:*.a\n50:text/x-b:*.a\n50:x/y:*.[ab]\n50:x/y:makefile\n",
        );
        assert_eq!(globs.len(), 1);
        assert_eq!(globs[".a"], "text/x-a");
        let types = types_of("# c\ntext/x-a a aa # b\nx/y\n");
        assert_eq!((types.len(), &*types[".aa"]), (2, "text/x-a"));
    }
}
