//! What a seed makes: steps.

use std::fmt;

use crate::noise::Noise;

/// Most steps of a walk.
const STEPS: u64 = 50;
/// Few names, so that they meet.
const NAMES: [&str; 4] = ["a", "b", "c", "dd"];
/// What is no name that anybody would give.
const ODD: [&str; 8] = ["", ".", "..", " ", "a b", "ä", "%41", "a?b&c#"];

/// A command as the RPC takes it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) call: String,
    pub(super) data: Option<Vec<u8>>,
    /// Whether the root is looked at behind it.
    pub(super) look: bool,
}

impl Step {
    /// Whether it is this command of `files`.
    pub(super) fn is(&self, command: &str) -> bool {
        let named = self.call.strip_prefix("files/");
        named
            .and_then(|rest| rest.strip_prefix(command))
            .is_some_and(|rest| rest.starts_with('?'))
    }

    /// Its first path, as it stands in the call.
    pub(super) fn path(&self) -> Option<&str> {
        let query = self.call.split_once('?')?.1;
        query
            .split('&')
            .find_map(|field| field.strip_prefix("arg="))
    }

    /// Whether it may change what stays of a root that is emptied: its mode, its time and what is
    /// known of it in memory alone.
    pub(super) fn marks_root(&self) -> bool {
        let last = self.call.rsplit("arg=").next().unwrap_or_default();
        let path = last.split('&').next().unwrap_or_default();
        (self.is("chmod") || self.is("touch") || self.is("chcid"))
            && (path.contains("..") || path.bytes().all(|byte| b"/.".contains(&byte)))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)?;
        if let Some(data) = &self.data {
            write!(f, " < {} bytes", data.len())?;
        }
        f.write_str(if self.look { "" } else { " (not looked at)" })
    }
}

/// A walk.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
}

impl Plan {
    /// Everything that `seed` decides; `stored` are paths that can be copied from.
    pub(super) fn new(seed: u64, stored: &[String]) -> Self {
        let mut noise = Noise::new(seed ^ 0xf11e5);
        let len = 1 + noise.below(STEPS);
        let mut course = Course {
            stored,
            lazy: noise.once_in(3),
            blind: noise.once_in(3),
            large: noise.once_in(8),
            odd: noise.once_in(6),
            // What is written to a file that has a time gets the time of the writing.
            timed: noise.once_in(4).then_some(len / 2),
            noise,
        };
        let steps = (0..len).map(|at| course.step(at)).collect();
        Self { steps }
    }
}

struct Course<'a> {
    noise: Noise,
    stored: &'a [String],
    /// Changes are often not flushed.
    lazy: bool,
    /// The root is not looked at after every step.
    blind: bool,
    large: bool,
    /// Paths are often no paths.
    odd: bool,
    /// From this step on times are set, and nothing is written.
    timed: Option<u64>,
}

impl Course<'_> {
    fn step(&mut self, at: u64) -> Step {
        let timed = self.timed.is_some_and(|from| at >= from);
        let mut data = None;
        let (name, mut query) = match self.noise.below(30) {
            0..4 if at < 4 => self.mkdir(),
            0..7 if !timed => {
                data = Some(self.data());
                self.write()
            }
            0..7 => self.touch(),
            7..11 => self.mkdir(),
            11..15 => self.cp(timed),
            15..21 => self.mv(),
            21..24 => self.rm(),
            24 => self.chcid(),
            25 => self.chmod(),
            26 => self.ls(),
            27 => ("stat", vec![self.path()]),
            28 => ("flush", vec![self.path()]),
            _ => self.read(),
        };
        if self.lazy && self.noise.once_in(2) {
            query.push("flush=false".to_owned());
        } else if self.noise.once_in(20) {
            query.push("flush=true".to_owned());
        }
        Step {
            call: format!("files/{name}?{}", query.join("&")),
            data,
            look: !self.blind || self.noise.once_in(4),
        }
    }

    fn path(&mut self) -> String {
        format!("arg={}", escaped(&self.plain()))
    }

    /// A path, not yet as an argument.
    fn plain(&mut self) -> String {
        let odd = self.odd && self.noise.once_in(4);
        let depth = match self.noise.below(12) {
            0 => 0,
            1..5 => 1,
            5..9 => 2,
            9..11 => 3,
            _ => 4,
        };
        let mut path = String::new();
        for at in 0..depth {
            if at > 0 || !odd || !self.noise.once_in(4) {
                path.push('/');
            }
            path += match odd && self.noise.once_in(3) {
                true => self.noise.pick(&ODD),
                false => self.noise.pick(&NAMES),
            };
        }
        if depth == 0 && !(odd && self.noise.once_in(2)) || self.noise.once_in(12) {
            path.push('/');
        }
        path
    }

    fn write(&mut self) -> (&'static str, Vec<String>) {
        let mut query = vec![self.path()];
        if !self.noise.once_in(5) {
            query.push("create=true".to_owned());
        }
        self.perhaps(3, "parents=true", &mut query);
        self.perhaps(4, "truncate=true", &mut query);
        self.perhaps(8, "raw-leaves=true", &mut query);
        self.perhaps(12, "raw-leaves=false", &mut query);
        if self.noise.once_in(4) {
            let far = if self.large { 700_000 } else { 100 };
            let offset = self.noise.below(far);
            query.push(format!("offset={offset}"));
        }
        if self.noise.once_in(8) {
            let count = self.noise.below(60);
            query.push(format!("count={count}"));
        }
        self.perhaps(60, "offset=-1", &mut query);
        self.perhaps(60, "count=-1", &mut query);
        self.cids(5, &mut query);
        ("write", query)
    }

    fn data(&mut self) -> Vec<u8> {
        let len = match self.noise.below(8) {
            0 => 0,
            1 => 1,
            2 if self.large => 262_144,
            3 if self.large => 600_000,
            _ => 1 + self.noise.below(90),
        };
        self.noise.bytes(len as usize)
    }

    fn mkdir(&mut self) -> (&'static str, Vec<String>) {
        let mut query = vec![self.path()];
        if !self.noise.once_in(3) {
            query.push("parents=true".to_owned());
        }
        self.cids(5, &mut query);
        ("mkdir", query)
    }

    fn cp(&mut self, timed: bool) -> (&'static str, Vec<String>) {
        let from = match self.noise.once_in(3) {
            // What is stored with a time is not written to later.
            true => {
                let index = self.noise.below(self.stored.len() as u64) as usize;
                match index {
                    3 if self.timed.is_some() && !timed => self.stored[0].clone(),
                    3 if self.timed.is_none() => self.stored[1].clone(),
                    _ => self.stored[index].clone(),
                }
            }
            false => self.plain(),
        };
        let mut query = vec![format!("arg={}", escaped(&from)), self.path()];
        self.perhaps(3, "parents=true", &mut query);
        self.perhaps(3, "force=true", &mut query);
        ("cp", query)
    }

    fn mv(&mut self) -> (&'static str, Vec<String>) {
        let from = self.plain();
        let mut to = self.plain();
        // A directory into itself ends the walk: that is tried, but not often.
        let below = format!("{}/", from.trim_end_matches('/'));
        while to.starts_with(&below) && !self.noise.once_in(10) {
            to = self.plain();
        }
        let args = [from, to].map(|path| format!("arg={}", escaped(&path)));
        ("mv", args.into())
    }

    fn rm(&mut self) -> (&'static str, Vec<String>) {
        let mut query = vec![self.path()];
        if self.noise.once_in(4) {
            query.push(self.path());
        }
        self.perhaps(2, "recursive=true", &mut query);
        self.perhaps(5, "force=true", &mut query);
        ("rm", query)
    }

    fn chcid(&mut self) -> (&'static str, Vec<String>) {
        let mut query = vec![self.path()];
        self.cids(1, &mut query);
        ("chcid", query)
    }

    fn chmod(&mut self) -> (&'static str, Vec<String>) {
        let mode = self.noise.pick(&["0644", "0755", "0", "4711", "777"]);
        ("chmod", vec![format!("arg={mode}"), self.path()])
    }

    fn touch(&mut self) -> (&'static str, Vec<String>) {
        let seconds = 1 + self.noise.below(1_700_000_000);
        let mut query = vec![self.path(), format!("mtime={seconds}")];
        self.perhaps(3, "mtime-nsecs=5", &mut query);
        ("touch", query)
    }

    fn ls(&mut self) -> (&'static str, Vec<String>) {
        let mut query = vec![self.path()];
        self.perhaps(2, "long=true", &mut query);
        self.perhaps(4, "U=true", &mut query);
        ("ls", query)
    }

    fn read(&mut self) -> (&'static str, Vec<String>) {
        let mut query = vec![self.path()];
        self.perhaps(4, "offset=3", &mut query);
        self.perhaps(4, "count=5", &mut query);
        ("read", query)
    }

    /// Once in `times` something about CIDs.
    fn cids(&mut self, times: u64, query: &mut Vec<String>) {
        if self.noise.once_in(times) {
            let choices = [
                "cid-version=0",
                "cid-version=1",
                "cid-version=1",
                "hash=sha2-512",
                "cid-version=1&hash=blake3",
                "cid-version=7",
            ];
            query.push(self.noise.pick(&choices).to_owned());
        }
    }

    fn perhaps(&mut self, times: u64, option: &str, query: &mut Vec<String>) {
        if self.noise.once_in(times) {
            query.push(option.to_owned());
        }
    }
}

/// Text as an argument in a query.
pub(super) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_makes_the_same_walk() {
        let stored = vec!["/ipfs/x".to_owned(); 6];
        let shown = |seed| format!("{:?}", Plan::new(seed, &stored));
        assert_eq!(shown(4), shown(4));
        assert_ne!(shown(4), shown(5));
    }

    #[test]
    fn arguments_are_escaped() {
        assert_eq!(escaped("/a b/ä&?"), "/a%20b/%C3%A4%26%3F");
    }
}
