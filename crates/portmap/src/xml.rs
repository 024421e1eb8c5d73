//! As much of XML as routers send: elements and their text. No attributes, no namespaces.

use std::borrow::Cow;

/// Something in a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// An element begins; its name without a prefix.
    Open(&'a str),
    /// The text in front of an end.
    Text(Cow<'a, str>),
    /// An element ends.
    Close(&'a str),
}

/// The pieces of a document, as far as it can be read.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut ending: Option<&str> = None;
    std::iter::from_fn(move || {
        if let Some(name) = ending.take() {
            return Some(Piece::Close(name));
        }
        loop {
            let start = rest.find('<')?;
            let (before, from) = rest.split_at(start);
            let inside = &from[1..];
            if let Some(after) = inside.strip_prefix("!--") {
                rest = &after[after.find("-->")? + 3..];
                continue;
            }
            let end = inside.find('>')?;
            let (tag, after) = (&inside[..end], &inside[end + 1..]);
            rest = after;
            // Declarations and instructions say nothing here.
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                let name = local(name);
                let before = before.trim();
                if before.is_empty() {
                    return Some(Piece::Close(name));
                }
                ending = Some(name);
                return Some(Piece::Text(unescape(before)));
            }
            let name = local(tag);
            if tag.ends_with('/') {
                ending = Some(name);
            }
            return Some(Piece::Open(name));
        }
    })
}

/// The texts of the elements of a name.
pub(crate) fn texts<'a>(text: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let name = name.to_owned();
    let mut open = false;
    pieces(text).filter_map(move |piece| match piece {
        Piece::Open(this) => {
            open = this == name;
            None
        }
        Piece::Text(text) => std::mem::take(&mut open).then(|| text.into_owned()),
        Piece::Close(_) => {
            open = false;
            None
        }
    })
}

/// A text for a document.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A tag's name without its attributes and prefix.
fn local(tag: &str) -> &str {
    let name = tag.trim_end_matches('/');
    let name = name
        .split([' ', '\t', '\r', '\n'])
        .next()
        .unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    // The ampersand last: what it makes is not read again.
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn documents_are_read() {
        let text = "<?xml version=\"1.0\"?><a x='1'><!-- <b>no</b> --><s:b>one &amp; <c/></s:b>\n<b>two</b></a>";
        let read: Vec<_> = pieces(text).collect();
        use Piece::{Close, Open, Text};
        assert_eq!(
            read,
            [
                Open("a"),
                Open("b"),
                Open("c"),
                Close("c"),
                Close("b"),
                Open("b"),
                Text("two".into()),
                Close("b"),
                Close("a"),
            ]
        );
        let found = |text: &str, name: &str| texts(text, name).collect::<Vec<_>>();
        assert_eq!(found("<a><b>1&lt;2</b><c>3</c></a>", "b"), ["1<2"]);
        assert_eq!(found("<b><c>3</c></b>", "b"), Vec::<String>::new());
        assert_eq!(found("<b>3", "b"), Vec::<String>::new());
        assert_eq!(
            found(&format!("<b>{}</b>", escape("a<&>b")), "b"),
            ["a<&>b"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[<>/a-c:!?\\- &;]{0,80}") {
            prop_assert!(pieces(&text).count() <= 2 * text.len());
        }
    }
}
