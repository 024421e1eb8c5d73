//! `{name}` in a step: what was captured or is given.

use std::collections::BTreeMap;

/// Puts in every variable that `text` names and that is known; other braces stay.
pub(crate) fn substitute(text: &str, vars: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let value = from
            .find('}')
            .and_then(|close| Some((close, vars.get(&from[1..close])?)));
        match value {
            Some((close, value)) => {
                out.push_str(value);
                rest = &from[close + 1..];
            }
            None => {
                out.push('{');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_replaced_and_json_stays() {
        let vars = BTreeMap::from([("cid".to_owned(), "Qm".to_owned())]);
        assert_eq!(substitute("cat {cid}/x", &vars), "cat Qm/x");
        assert_eq!(substitute(r#"{"cid":"{cid}"}{"#, &vars), r#"{"cid":"Qm"}{"#);
    }
}
