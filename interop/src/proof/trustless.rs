//! A client of the gateway that trusts nothing: every block is hashed, every path and every range proven by
//! the blocks that came with it, and nothing may come that proves nothing. Against Basalt and real Kubo.

mod walk;

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use basalt_block::{Block, Cid, parse_cid};
use basalt_ipns::{Moment, Name, Record};

use super::content::Content;
use super::program::Program;
use super::settings::Settings;
use super::tally::Tally;
use crate::http::{self, Request};
use crate::places;
use walk::{Car, Scope, Walk};

const FILE: u64 = 300_000;
/// Ranges of a file of [`FILE`] bytes.
const RANGES: &[(&str, i64, Option<i64>)] = &[
    ("0:*", 0, None),
    ("0:0", 0, Some(0)),
    ("0:999", 0, Some(999)),
    ("4999:5000", 4999, Some(5000)),
    ("150000:150010", 150_000, Some(150_010)),
    ("-1:*", -1, None),
    ("-5001:*", -5001, None),
    ("1000:-1000", 1000, Some(-1000)),
    ("299999:400000", 299_999, Some(400_000)),
];

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-trustless-")
        .tempdir_in(&settings.dir)?;
    let kubo = places::kubo();
    for (whose, bin) in [("Basalt", &settings.bin), ("Kubo", &kubo)] {
        let dir = folder.path().join(whose);
        fs::create_dir(&dir)?;
        one(whose, bin, &dir, settings.seed, tally)?;
    }
    Ok(())
}

/// What a gateway has.
struct Fixtures {
    /// A path of names below a root, and what it is.
    paths: Vec<(&'static str, Cid, Vec<&'static str>)>,
    file: Cid,
    bytes: Vec<u8>,
    name: String,
    value: Cid,
}

fn one(whose: &str, bin: &Path, dir: &Path, seed: u64, tally: &mut Tally) -> Result<()> {
    let program = Program::new(bin, dir.join("repo"));
    let fixtures = prepare(&program, dir, seed)?;
    let daemon = program.daemon(&["--offline"])?;
    let client = Client {
        port: daemon.gateway.context("there is no gateway")?,
        fixtures: &fixtures,
    };
    for (what, root, path) in &fixtures.paths {
        for (scope, kind) in [
            ("all", Scope::All),
            ("entity", Scope::Entity),
            ("block", Scope::Block),
        ] {
            for dups in ["y", "n"] {
                let name = format!("{whose}: CAR of {what}, {scope}, dups={dups}");
                tally.check(&name, client.car(root, path, scope, kind, dups));
            }
        }
        tally.check(
            &format!("{whose}: blocks of {what}"),
            client.raw(root, path),
        );
    }
    for (text, from, to) in RANGES {
        let name = format!("{whose}: bytes {text} of a file");
        tally.check(&name, client.range(text, *from, *to));
    }
    tally.check(&format!("{whose}: a whole file"), client.whole());
    tally.check(&format!("{whose}: the record of a name"), client.record());
    daemon.stop()?;
    Ok(())
}

fn prepare(program: &Program, dir: &Path, seed: u64) -> Result<Fixtures> {
    program.say(&["init", "--profile=test,randomports"])?;
    let tree = dir.join("tree");
    fs::create_dir_all(tree.join("sub"))?;
    let content = Content { seed, len: FILE };
    content.write(&mut File::create(tree.join("a"))?)?;
    fs::copy(tree.join("a"), tree.join("sub/again"))?;
    fs::write(tree.join("small"), "small")?;
    let many = dir.join("many");
    fs::create_dir(&many)?;
    for number in 0..200 {
        fs::write(many.join(format!("file-{number}")), format!("{number}"))?;
    }
    let add = |path: &Path, more: &[&str]| -> Result<Cid> {
        let path = path.to_str().context("the path is no UTF-8")?;
        let mut args = vec!["add", "-Qr", "--cid-version=1"];
        args.extend(more);
        args.push(path);
        cid(program.say(&args)?.trim())
    };
    // Some levels of nodes.
    let shape = ["--chunker=size-5000", "--max-file-links=4"];
    let file = add(&tree.join("a"), &shape)?;
    let plain = add(
        &tree.join("a"),
        &["--chunker=size-5000", "--raw-leaves=false"],
    )?;
    let root = add(&tree, &shape)?;
    let shards = ["--max-directory-links=8", "--max-hamt-fanout=8"];
    let sharded = add(&many, &shards)?;
    let document = dir.join("document");
    fs::write(
        &document,
        format!(r#"{{"a":{{"b":{{"/":"{root}"}}}},"c":[{{"/":"{file}"}},1]}}"#),
    )?;
    let document = document.to_str().context("the path is no UTF-8")?;
    let document = cid(program.say(&["dag", "put", document])?.trim())?;
    program.say(&["key", "gen", "other"])?;
    program.say(&[
        "name",
        "publish",
        "--allow-offline",
        "--key=other",
        &format!("/ipfs/{root}"),
    ])?;
    let keys = program.say(&["key", "list", "-l"])?;
    let name = keys
        .lines()
        .find(|line| line.trim_end().ends_with(" other"));
    let name = name.and_then(|line| line.split_whitespace().next());
    Ok(Fixtures {
        paths: vec![
            ("a file", file, vec![]),
            ("a file with nodes for leaves", plain, vec![]),
            ("a directory", root, vec![]),
            ("a file in a directory", root, vec!["a"]),
            ("a file two directories down", root, vec!["sub", "again"]),
            ("a name that is not there", root, vec!["none"]),
            ("a sharded directory", sharded, vec![]),
            ("a file in a sharded directory", sharded, vec!["file-77"]),
            ("a name that no shard has", sharded, vec!["none"]),
            ("a document", document, vec![]),
            (
                "a file behind a document",
                document,
                vec!["a", "b", "small"],
            ),
        ],
        file,
        bytes: fs::read(tree.join("a"))?,
        name: name.context("the key is not listed")?.to_owned(),
        value: root,
    })
}

fn cid(text: &str) -> Result<Cid> {
    let parsed = parse_cid(text).map_err(|e| anyhow::anyhow!("{text}: {e}"))?;
    Ok(parsed.0)
}

struct Client<'a> {
    port: u16,
    fixtures: &'a Fixtures,
}

impl Client<'_> {
    fn get(&self, target: String) -> Result<Vec<u8>> {
        let request = Request {
            method: "GET".to_owned(),
            target,
            ..Request::default()
        };
        let answer = http::send(self.port, &request, false)?;
        ensure!(!answer.cut, "{}: the answer was cut", request.target);
        ensure!(
            answer.status == 200,
            "{}: status {}: {}",
            request.target,
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(answer.body)
    }

    fn car(&self, root: &Cid, path: &[&str], scope: &str, kind: Scope, dups: &str) -> Result<()> {
        let names: String = path.iter().map(|name| format!("/{name}")).collect();
        let query = format!("format=car&dag-scope={scope}&car-order=dfs&car-dups={dups}");
        let car = Car::read(&self.get(format!("/ipfs/{root}{names}?{query}"))?)?;
        let mut walk = Walk::new(&car);
        if let Some(end) = walk.path(root, path)? {
            ensure!(car.roots == [end], "the roots are {:?}", car.roots);
            walk.scope(&end, kind, None)?;
        }
        walk.compare(dups == "y")
    }

    fn range(&self, text: &str, from: i64, to: Option<i64>) -> Result<()> {
        let file = self.fixtures.file;
        let query = format!("format=car&dag-scope=entity&car-order=dfs&entity-bytes={text}");
        let car = Car::read(&self.get(format!("/ipfs/{file}?{query}"))?)?;
        let mut walk = Walk::new(&car);
        walk.scope(&file, Scope::Entity, Some((from, to)))?;
        walk.compare(false)
    }

    /// A file is put together from its CAR.
    fn whole(&self) -> Result<()> {
        let file = self.fixtures.file;
        let car = Car::read(&self.get(format!("/ipfs/{file}?format=car"))?)?;
        let mut bytes = Vec::new();
        Walk::new(&car).bytes(&file, &mut bytes)?;
        ensure!(bytes == self.fixtures.bytes, "other bytes");
        Ok(())
    }

    /// Every block below, one by one.
    fn raw(&self, root: &Cid, path: &[&str]) -> Result<()> {
        if path.contains(&"none") {
            return Ok(());
        }
        let mut left = vec![*root];
        let mut met = std::collections::HashSet::new();
        while let Some(cid) = left.pop() {
            if !met.insert(cid) || met.len() > 100 {
                continue;
            }
            let data = self.get(format!("/ipfs/{cid}?format=raw"))?;
            let block = Block::verified(cid, data.into())?;
            left.extend(basalt_ipld::links(cid.codec(), block.data())?);
        }
        Ok(())
    }

    fn record(&self) -> Result<()> {
        let name = &self.fixtures.name;
        let record = Record::decode(self.get(format!("/ipns/{name}?format=ipns-record"))?)?;
        record.validate(&name.parse::<Name>()?, Moment::now())?;
        let expected = format!("/ipfs/{}", self.fixtures.value);
        let value = record.value()?.to_string();
        ensure!(value == expected, "its value is {value}");
        Ok(())
    }
}
