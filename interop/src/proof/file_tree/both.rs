//! Basalt and Kubo, side by side.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::meant;
use super::plan::{Step, escaped};
use crate::proof::client::{Answer, Client, Part, lines};
use crate::proof::content::Content;
use crate::proof::node::{Node, Place};
use crate::proof::side::Config;
use crate::{places, side};

/// Trees deeper than that are looked at no further.
const DEPTH: usize = 20;

/// What a step was answered, and what it left.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    answer: Answer,
    /// What came before the error.
    partial: Vec<u8>,
    /// What `files stat /` says then; not asked for after every step, for asking is flushing.
    root: Option<Answer>,
}

/// How a walk ended.
#[derive(Debug)]
pub(super) enum End {
    Same,
    /// At a difference that is meant, for this reason.
    Meant(&'static str),
    Differs(String),
}

/// A walk that was made.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) end: End,
    pub(super) steps: u64,
    pub(super) refused: u64,
}

/// What one of them has in a directory.
struct Directory {
    is_hamt: bool,
    /// The CIDs of files; of directories none.
    entries: BTreeMap<String, Option<String>>,
}

/// A node of each.
pub(super) struct Both {
    kubo: Side,
    basalt: Side,
    /// A walk has changed what of the root stays when it is emptied.
    marked: bool,
    /// What both store, as paths to copy from.
    pub(super) stored: Vec<String>,
}

struct Side {
    place: Place,
    settings: Config,
    node: Option<Node>,
    client: Client,
}

impl Both {
    /// Both with these settings.
    pub(super) fn start(basalt: &Path, folder: &Path, settings: Config) -> Result<Self> {
        fs::create_dir(folder)?;
        let mut kubo = Side::start(&places::kubo(), folder.join("kubo"), settings.clone())?;
        let mut basalt = Side::start(basalt, folder.join("basalt"), settings)?;
        let stored = kubo.store()?;
        ensure!(stored == basalt.store()?, "what they store has other CIDs");
        Ok(Self {
            kubo,
            basalt,
            marked: false,
            stored,
        })
    }

    /// Makes the steps on both, up to the first difference.
    pub(super) fn walk(&mut self, steps: &[Step]) -> Result<Walk> {
        let mut walk = Walk {
            end: End::Same,
            steps: 0,
            refused: 0,
        };
        if let Some(difference) = self.begin()? {
            walk.end = End::Differs(difference);
            return Ok(walk);
        }
        for step in steps {
            self.marked |= step.marks_root();
            let kubo = self.kubo.take(step);
            let basalt = match self.basalt.take(step) {
                Ok(basalt) => basalt,
                Err(error) => {
                    let words = self.basalt.node.as_ref().map(Node::words);
                    bail!("Basalt: {step}: {error:#}; {}", words.unwrap_or_default());
                }
            };
            walk.steps += 1;
            let Ok(kubo) = kubo else {
                // Its stack overflows in a tree that it has made a circle of.
                self.kubo.node = None;
                self.marked = true;
                walk.end = End::Meant(meant::ENDED);
                break;
            };
            walk.refused += u64::from(kubo.answer.is_err());
            if let Some(why) = meant::why(step, &kubo.answer, &basalt.answer) {
                walk.end = End::Meant(why);
                break;
            }
            if kubo != basalt {
                walk.end = match self.meant(step)? {
                    Some(why) => End::Meant(why),
                    None => End::Differs(format!(
                        "{step}\n  Kubo:   {}\n  Basalt: {}",
                        kubo.shown(),
                        basalt.shown()
                    )),
                };
                break;
            }
        }
        Ok(walk)
    }

    /// Why the trees differ, if that is meant.
    fn meant(&mut self, step: &Step) -> Result<Option<&'static str>> {
        if self.kubo.lost_bytes("/")? || step.is("write") && self.is_end_only(step)? {
            return Ok(Some(meant::LOST));
        }
        if let (true, Some(from)) = (step.is("mv"), step.path()) {
            let there = format!("files/stat?arg={from}");
            if self.kubo.client.call(&there)?.is_ok() && self.basalt.client.call(&there)?.is_err() {
                return Ok(Some(meant::LEFT));
            }
        }
        Ok(match self.same_but_for_hamts("/")? {
            true => Some(meant::LOOKED_AT),
            false => None,
        })
    }

    /// Whether Kubo has the end only of the file that was written.
    fn is_end_only(&mut self, step: &Step) -> Result<bool> {
        let Some(path) = step.path() else {
            return Ok(false);
        };
        let read = format!("files/read?arg={path}");
        let (kubo, basalt) = (
            self.kubo.client.call(&read)?,
            self.basalt.client.call(&read)?,
        );
        Ok(match (kubo, basalt) {
            (Ok(kubo), Ok(basalt)) => kubo.len() < basalt.len() && basalt.ends_with(&kubo),
            _ => false,
        })
    }

    /// Empties both trees; where that leaves traces, by new repos.
    fn begin(&mut self) -> Result<Option<String>> {
        for _ in 0..2 {
            if self.marked {
                for side in [&mut self.kubo, &mut self.basalt] {
                    side.renew()?;
                    side.store()?;
                }
                self.marked = false;
            }
            if self.kubo.clear()? == self.basalt.clear()? {
                return Ok(None);
            }
            self.marked = true;
        }
        Ok(Some("two new trees differ".to_owned()))
    }

    /// Whether both have the same below `path`, but for directories that are HAMTs in Basalt alone.
    fn same_but_for_hamts(&mut self, path: &str) -> Result<bool> {
        if path.matches('/').count() > DEPTH {
            return Ok(false);
        }
        let (kubo, basalt) = (self.kubo.directory(path)?, self.basalt.directory(path)?);
        let (Some(kubo), Some(basalt)) = (kubo, basalt) else {
            return Ok(false);
        };
        if kubo.is_hamt && !basalt.is_hamt || kubo.entries.len() != basalt.entries.len() {
            return Ok(false);
        }
        for (name, left) in &kubo.entries {
            let same = match basalt.entries.get(name) {
                Some(Some(right)) => left.as_ref() == Some(right),
                Some(None) if left.is_none() => {
                    self.same_but_for_hamts(&format!("{path}{}/", escaped(name)))?
                }
                _ => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn stop(self) -> Result<()> {
        for side in [self.kubo, self.basalt] {
            side.node.map_or(Ok(()), Node::stop)?;
        }
        Ok(())
    }
}

impl Side {
    fn start(bin: &Path, folder: PathBuf, settings: Config) -> Result<Self> {
        fs::create_dir(&folder)?;
        let place = Place::init(bin, &folder, &folder)?;
        side::configure(&place.repo, &settings)?;
        let node = place.start()?;
        Ok(Self {
            settings,
            client: node.client(),
            node: Some(node),
            place,
        })
    }

    /// A new repo in the place of the old one.
    fn renew(&mut self) -> Result<()> {
        self.node.take().map_or(Ok(()), Node::stop)?;
        let bin = self.place.bin.clone();
        fs::remove_dir_all(&self.place.repo)?;
        let folder = self.place.logs.clone();
        self.place = Place::init(&bin, &folder, &folder)?;
        side::configure(&self.place.repo, &self.settings)?;
        let node = self.place.start()?;
        self.client = node.client();
        self.node = Some(node);
        Ok(())
    }

    /// Adds what is copied into the tree; the paths.
    fn store(&mut self) -> Result<Vec<String>> {
        let file = |name: &str, len| Part::File(name.to_owned(), Content { seed: 7, len });
        let mut stored = Vec::new();
        for (options, parts) in [
            ("", vec![file("small", 40)]),
            ("cid-version=1", vec![file("raw", 50)]),
            ("", vec![file("large", 600_000)]),
            ("mode=416&mtime=1600000000", vec![file("old", 30)]),
            (
                "cid-version=1",
                vec![
                    Part::Directory("t".to_owned()),
                    file("t/a", 20),
                    file("t/b", 30),
                    file("t/c/a", 20),
                    file("t/c/b", 30),
                    file("t/c/dd", 40),
                ],
            ),
            (
                "",
                vec![
                    Part::Directory("t".to_owned()),
                    file("t/a", 3),
                    file("t/b/c", 4),
                ],
            ),
        ] {
            let added = self
                .client
                .send(&format!("add?pin=true&{options}"), &parts)?
                .map_err(anyhow::Error::msg)?;
            let last = lines(&added)?.pop();
            let last = last.context("nothing was added")?;
            let cid = last["Hash"].as_str().context("nothing was added")?;
            stored.push(format!("/ipfs/{cid}"));
        }
        Ok(stored)
    }

    fn clear(&mut self) -> Result<Answer> {
        let listed = self.client.lines("files/ls?arg=/")?;
        let listed = listed.first().and_then(|line| line["Entries"].as_array());
        for entry in listed.into_iter().flatten() {
            let name = entry["Name"].as_str().context("an entry has no name")?;
            let gone = format!("files/rm?force=true&arg=/{}", escaped(name));
            // An error shows in the answer below.
            let _ = self.client.call(&gone)?;
        }
        self.client.call("files/stat?arg=/")
    }

    /// Whether there is a file below `path` that has fewer bytes than it says.
    fn lost_bytes(&mut self, path: &str) -> Result<bool> {
        // A name that is none may lead back.
        if path.matches('/').count() > DEPTH {
            return Ok(false);
        }
        let Ok(listed) = self
            .client
            .call(&format!("files/ls?long=true&arg={path}"))?
        else {
            return Ok(false);
        };
        for line in lines(&listed)? {
            for entry in line["Entries"].as_array().into_iter().flatten() {
                let name = escaped(entry["Name"].as_str().context("an entry has no name")?);
                let below = format!("{path}{name}");
                if entry["Type"] == 1 {
                    if self.lost_bytes(&format!("{below}/"))? {
                        return Ok(true);
                    }
                } else if let Ok(bytes) = self.client.call(&format!("files/read?arg={below}"))?
                    && entry["Size"] != bytes.len()
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn directory(&mut self, path: &str) -> Result<Option<Directory>> {
        let Ok(stat) = self.client.call(&format!("files/stat?arg={path}"))? else {
            return Ok(None);
        };
        let stat = lines(&stat)?.pop().context("no stat")?;
        let cid = stat["Hash"].as_str().context("no CID")?;
        let node = self.client.lines(&format!("dag/get?arg={cid}"))?.pop();
        let data = node.as_ref().map(|node| &node["Data"]["/"]["bytes"]);
        // In base64: field 1 is 5.
        let is_hamt = data
            .and_then(|data| data.as_str())
            .is_some_and(|data| data.starts_with("CAU"));
        let listed = self
            .client
            .lines(&format!("files/ls?long=true&arg={path}"))?;
        let mut entries = BTreeMap::new();
        for line in &listed {
            for entry in line["Entries"].as_array().into_iter().flatten() {
                let name = entry["Name"].as_str().context("an entry has no name")?;
                let cid = match entry["Type"] == 1 {
                    true => None,
                    false => entry["Hash"].as_str().map(str::to_owned),
                };
                entries.insert(name.to_owned(), cid);
            }
        }
        Ok(Some(Directory { is_hamt, entries }))
    }

    fn take(&mut self, step: &Step) -> Result<Outcome> {
        let answer = match &step.data {
            Some(data) => {
                let part = Part::Bytes("data".to_owned(), data.clone());
                self.client.send(&step.call, &[part])?
            }
            None => self.client.call(&step.call)?,
        };
        let partial = std::mem::take(&mut self.client.partial);
        let root = match step.look {
            true => Some(self.client.call("files/stat?arg=/")?),
            false => None,
        };
        Ok(Outcome {
            answer,
            partial,
            root,
        })
    }
}

impl Outcome {
    fn shown(&self) -> String {
        let text = |answer: &Answer| match answer {
            Ok(body) => body.escape_ascii().to_string(),
            Err(message) => format!("Error: {message}"),
        };
        let root = self
            .root
            .as_ref()
            .map(|root| format!(", root {}", text(root)));
        let partial = self.partial.escape_ascii();
        format!(
            "{}{partial}{}",
            text(&self.answer),
            root.unwrap_or_default()
        )
    }
}
