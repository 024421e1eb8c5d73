//! The rules of one list.

use std::collections::{BTreeSet, HashMap};

use basalt_block::{
    Base, Cid, Multihash, cid_text, codec, decode_digits, digest, hash_codes::SHA2_256,
    multibase_text, parse_cid,
};
use basalt_ipld::{Namespace, Path};

/// Roots that applications need: what is empty is never forbidden.
const EMPTY: [&str; 7] = [
    "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
    "bafyaabakaieac",
    "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    "bafkqaaa",
    "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
    "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",
    "baguqeeraiqjw7i2vwntyuekgvulpp2det2kpwt6cd7tx5ayqybqpmhfk76fa",
];

/// What a list says of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether it may be given out after all.
    pub(super) allow: bool,
    /// Why not, for whoever asked for it.
    pub(super) reason: Option<String>,
    /// 410 or 451.
    pub(super) status: u16,
}

#[derive(Debug, Clone)]
struct Rule {
    /// The path below the root; a prefix where it ended in a star.
    path: String,
    prefix: bool,
    verdict: Verdict,
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        match self.prefix {
            true => path.starts_with(&self.path),
            false => path == self.path,
        }
    }
}

/// The rules of a list. Of those that match, the last counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// By the multihash of a CID.
    roots: HashMap<Vec<u8>, Vec<Rule>>,
    /// By a domain or the multihash of a key.
    names: HashMap<Vec<u8>, Vec<Rule>>,
    /// By the hash of a text that says what is meant.
    hashed: HashMap<Vec<u8>, Verdict>,
    /// The hash functions of those.
    functions: BTreeSet<u64>,
    /// Paths below any root.
    paths: HashMap<String, Verdict>,
    prefixes: Vec<Rule>,
}

impl Rules {
    /// Reads a list, and what is wrong in it.
    pub(super) fn parse(text: &str) -> (Self, Vec<String>) {
        let (header, body, above) = split(text);
        let hints = header_hints(header);
        let (mut rules, mut faults) = (Self::default(), Vec::new());
        for (number, line) in body.lines().enumerate() {
            if let Err(fault) = rules.add(line, &hints) {
                faults.push(format!("line {}: {fault}", number + above + 1));
            }
        }
        (rules, faults)
    }

    fn add(&mut self, line: &str, header: &[(String, String)]) -> Result<(), String> {
        let mut words = line.split_whitespace();
        let Some(rule) = words.next().filter(|rule| !rule.starts_with('#')) else {
            return Ok(());
        };
        let own = words.filter_map(|hint| hint.split_once('='));
        let own: Vec<(&str, &str)> = own.collect();
        let hint = |name: &str| {
            let own = own.iter().rev().find(|(have, _)| *have == name);
            let own = own.map(|(_, value)| (*value).to_owned());
            own.or_else(|| {
                let found = header.iter().find(|(have, _)| have == name);
                found.map(|(_, value)| value.clone())
            })
        };
        let positive = rule.strip_prefix(['+', '-', '!']);
        let verdict = Verdict {
            allow: positive.is_some(),
            reason: hint("reason"),
            status: match hint("gateway_status").as_deref() {
                Some("451") => 451,
                _ => 410,
            },
        };
        let rule = positive.unwrap_or(rule);
        if let Some(hash) = rule.strip_prefix("//") {
            return self.add_hashed(hash, &verdict);
        }
        let root = rule
            .strip_prefix("/ipfs/")
            .or_else(|| rule.strip_prefix("/ipld/"));
        if let Some(rest) = root {
            let (root, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (cid, _) = parse_cid(root).map_err(|e| format!("{root}: {e}"))?;
            let empty = EMPTY.iter().filter_map(|text| parse_cid(text).ok());
            if empty.into_iter().any(|(known, _)| known == cid) {
                return Err(format!("{cid} is empty, which is never forbidden"));
            }
            let key = cid.hash().to_bytes();
            self.roots
                .entry(key)
                .or_default()
                .push(below(path, verdict));
        } else if let Some(rest) = rule.strip_prefix("/ipns/") {
            let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
            let rule = below(path, verdict);
            self.names.entry(name_key(name)).or_default().push(rule);
        } else {
            let rule = below(rule.trim_start_matches('/'), verdict);
            match rule.prefix {
                true => self.prefixes.push(rule),
                false => drop(self.paths.insert(rule.path, rule.verdict)),
            }
        }
        Ok(())
    }

    /// A hash in base58, or one of SHA2-256 in hexadecimal.
    fn add_hashed(&mut self, text: &str, verdict: &Verdict) -> Result<(), String> {
        let mut known = false;
        let base58 = decode_digits(Base::Base58Btc, text).ok();
        let hash = base58.and_then(|bytes| Multihash::from_bytes(&bytes).ok());
        if let Some(hash) = hash.filter(|hash| hash.code() != 0 && computes(hash.code())) {
            self.functions.insert(hash.code());
            self.hashed.insert(hash.to_bytes(), verdict.clone());
            known = true;
        }
        let digits =
            (text.len() == 64).then(|| decode_digits(Base::Base16Lower, &text.to_lowercase()));
        if let Some(Ok(bytes)) = digits
            && let Ok(hash) = Multihash::wrap(SHA2_256, &bytes)
        {
            self.functions.insert(SHA2_256);
            self.hashed.insert(hash.to_bytes(), verdict.clone());
            known = true;
        }
        match known {
            true => Ok(()),
            false => Err(format!(
                "{text} is no multihash and no SHA2-256 in hexadecimal"
            )),
        }
    }

    /// What the list says of a path.
    pub(super) fn of_path(&self, path: &Path) -> Option<&Verdict> {
        let root = path.root();
        let segments: Vec<_> = path.segments().map(String::from_utf8_lossy).collect();
        let below = segments.join("/");
        if !below.is_empty() {
            let exact = self.paths.get(&below);
            let found = exact.or_else(|| last(&self.prefixes, &below));
            if found.is_some() {
                return found;
            }
        }
        if path.namespace() == Namespace::Ipns {
            let key = name_key(&root);
            let found = self.names.get(&key).and_then(|rules| last(rules, &below));
            return found.or_else(|| self.of_hashed_name(&root, &below));
        }
        let cid = path.root_cid()?;
        let rules = self.roots.get(&cid.hash().to_bytes());
        let found = rules.and_then(|rules| last(rules, &below));
        found.or_else(|| self.of_hashed(cid, &below))
    }

    /// What the list says of a block.
    pub(super) fn of_cid(&self, cid: &Cid) -> Option<&Verdict> {
        if self.roots.is_empty() && self.hashed.is_empty() {
            return None;
        }
        let rules = self.roots.get(&cid.hash().to_bytes());
        let found = rules.and_then(|rules| last(rules, ""));
        found.or_else(|| self.of_hashed(cid, ""))
    }

    fn of_hashed(&self, cid: &Cid, below: &str) -> Option<&Verdict> {
        if self.hashed.is_empty() {
            return None;
        }
        let v1 = Cid::new_v1(cid.codec(), *cid.hash());
        let old = format!("{}/{below}", cid_text(&v1, Base::Base32Lower));
        let key = base58(cid.hash());
        let new = if below.is_empty() {
            key
        } else {
            format!("{key}/{below}")
        };
        self.of_text(&old, &new)
    }

    fn of_hashed_name(&self, name: &str, below: &str) -> Option<&Verdict> {
        if self.hashed.is_empty() {
            return None;
        }
        let cid = parse_cid(name).ok().map(|(cid, _)| cid);
        let (old, new) = match cid {
            Some(cid) => {
                let v1 = Cid::new_v1(codec::LIBP2P_KEY, *cid.hash());
                (cid_text(&v1, Base::Base32Lower), base58(cid.hash()))
            }
            None => (name.to_owned(), format!("/ipns/{name}")),
        };
        let new = if below.is_empty() {
            new
        } else {
            format!("{new}/{below}")
        };
        self.of_text(&format!("{old}/{below}"), &new)
    }

    /// Hashes the two ways to say what is meant: that of old lists, with SHA2-256, and the present.
    fn of_text(&self, old: &str, new: &str) -> Option<&Verdict> {
        let old = hash(SHA2_256, old).and_then(|key| self.hashed.get(&key));
        old.or_else(|| {
            let mut keys = self.functions.iter().filter_map(|code| hash(*code, new));
            keys.find_map(|key| self.hashed.get(&key))
        })
    }
}

fn base58(hash: &Multihash) -> String {
    let text = multibase_text(Base::Base58Btc, &hash.to_bytes());
    text.strip_prefix('z').unwrap_or(&text).to_owned()
}

fn computes(code: u64) -> bool {
    hash(code, "").is_some()
}

fn hash(code: u64, text: &str) -> Option<Vec<u8>> {
    let hash = digest(code, text.as_bytes(), None).ok()?;
    Some(hash.to_bytes())
}

fn below(path: &str, verdict: Verdict) -> Rule {
    let path = path.trim_end_matches('/');
    // What ends in a slash and a star is itself meant too.
    let star = path.strip_suffix("/*").or_else(|| path.strip_suffix('*'));
    let (path, prefix) = match star {
        Some(path) => (path, true),
        None => (path, false),
    };
    let path = basalt_http::query::unescape_path(path.as_bytes()).map_or_else(
        || path.to_owned(),
        |p| String::from_utf8_lossy(&p).into_owned(),
    );
    Rule {
        path,
        prefix,
        verdict,
    }
}

fn last<'a>(rules: &'a [Rule], path: &str) -> Option<&'a Verdict> {
    let found = rules.iter().rev().find(|rule| rule.matches(path));
    found.map(|rule| &rule.verdict)
}

/// A domain, or the multihash of a key.
fn name_key(name: &str) -> Vec<u8> {
    let key = name.parse::<basalt_ipns::Name>().ok();
    match key {
        Some(key) => key.multihash().to_bytes(),
        None => name.to_lowercase().into_bytes(),
    }
}

/// The header, the rules, and how many lines stand above those.
fn split(text: &str) -> (&str, &str, usize) {
    const LINE: &str = "---";
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_end() == LINE {
            return (&text[..at], &text[at + line.len()..], number + 1);
        }
        at += line.len();
    }
    ("", text, 0)
}

/// The hints of a header, which count for every rule: what is indented below `hints:`.
fn header_hints(header: &str) -> Vec<(String, String)> {
    let mut hints = Vec::new();
    let mut within = false;
    for line in header.lines() {
        if !line.starts_with([' ', '\t']) {
            within = line.trim_end() == "hints:";
            continue;
        }
        if within && let Some((name, value)) = line.split_once(':') {
            let value = value.trim().trim_matches(['"', '\'']);
            hints.push((name.trim().to_owned(), value.to_owned()));
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V0: &str = "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR";
    const V1: &str = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

    fn blocked(list: &str, path: &str) -> bool {
        let (rules, faults) = Rules::parse(list);
        assert!(faults.is_empty(), "{faults:?}");
        let path = Path::parse(path).unwrap();
        let own = rules.of_path(&path);
        let root = path.root_cid().and_then(|cid| rules.of_cid(cid));
        own.or(root).is_some_and(|verdict| !verdict.allow)
    }

    #[test]
    fn roots_paths_and_prefixes() {
        assert!(blocked(&format!("/ipfs/{V1}"), &format!("/ipfs/{V0}")));
        assert!(blocked(&format!("/ipfs/{V1}"), &format!("/ipfs/{V0}/x")));
        assert!(!blocked(&format!("/ipfs/{V1}/a"), &format!("/ipfs/{V0}")));
        assert!(blocked(
            &format!("/ipfs/{V1}/a/b"),
            &format!("/ipfs/{V0}/a/b")
        ));
        assert!(!blocked(
            &format!("/ipfs/{V1}/a/b"),
            &format!("/ipfs/{V0}/a/bc")
        ));
        assert!(blocked(
            &format!("/ipfs/{V1}/a*"),
            &format!("/ipfs/{V0}/abc")
        ));
        assert!(blocked("/ipns/bad.example", "/ipns/bad.example"));
        assert!(!blocked("/ipns/bad.example", "/ipns/bad.example/x"));
        assert!(blocked("/ipns/bad.example/*", "/ipns/bad.example/x"));
        for path in ["/a", "/a/b", "/ab"] {
            let listed = format!("/ipfs/{V1}/a/*");
            assert!(blocked(&listed, &format!("/ipfs/{V0}{path}")), "{path}");
        }
        assert!(blocked("/any/path", &format!("/ipfs/{V0}/any/path")));
        assert!(blocked("/any/*", &format!("/ipfs/{V0}/any/path")));
        let both = format!("/ipfs/{V1}/*\n+/ipfs/{V1}/good\n");
        assert!(!blocked(&both, &format!("/ipns/{}/good", "x.y")));
    }

    #[test]
    fn the_last_rule_counts() {
        let list = format!("version: 1\nhints:\n  reason: law\n---\n/ipfs/{V1}\n!/ipfs/{V1}\n");
        assert!(!blocked(&list, &format!("/ipfs/{V0}")));
        let (rules, _) = Rules::parse(&format!("hints:\n  reason: law\n---\n/ipfs/{V1} x=y\n"));
        let path = Path::parse(format!("/ipfs/{V1}")).unwrap();
        let verdict = rules.of_path(&path).unwrap();
        assert_eq!(verdict.reason.as_deref(), Some("law"));
    }

    #[test]
    fn hashed_rules_do_not_say_what_they_forbid() {
        let (cid, _) = parse_cid(V1).unwrap();
        let hex = |text: &str| {
            let hash = hash(SHA2_256, text).unwrap();
            hash[2..]
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        };
        let old = format!("//{}", hex(&format!("{V1}/")));
        assert!(blocked(&old, &format!("/ipfs/{V1}")));
        let new = format!(
            "//{}",
            base58(
                &Multihash::from_bytes(
                    &hash(SHA2_256, &format!("{}/a", base58(cid.hash()))).unwrap()
                )
                .unwrap()
            )
        );
        assert!(blocked(&new, &format!("/ipfs/{V1}/a")));
        assert!(!blocked(&new, &format!("/ipfs/{V1}/b")));
        let name = format!("//{}", hex("bad.example/"));
        assert!(blocked(&name, "/ipns/bad.example"));
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_counts() {
        let (rules, faults) =
            Rules::parse(&format!("/ipfs/nope\n//x\n/ipfs/bafkqaaa\n/ipfs/{V1}\n"));
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert_eq!(rules.roots.len(), 1);
    }

    proptest! {
        #[test]
        fn survives_anything(text: String) {
            Rules::parse(&text);
        }
    }
}
