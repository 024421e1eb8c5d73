//! What was answered, and the checks that it is there.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use basalt_block::{Block, Cid, Hasher, codec};

use super::client::{Answer, Client, Part, lines};
use super::content::{Content, Dice};

/// Something that was stored.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) cid: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    File(Content),
    Block(Content),
    Directory(Vec<(String, Content)>),
}

/// Adds a file. The inner error is the daemon's.
pub(crate) fn add_file(
    client: &mut Client,
    content: Content,
    options: &str,
) -> Result<std::result::Result<Item, String>> {
    let command = format!("add?progress=false{options}");
    let answer = client.send(&command, &[Part::File("f".into(), content)])?;
    item(answer, "Hash", What::File(content))
}

/// Adds a file that is written to `path` first, and whose bytes stay there.
pub(crate) fn refer_to(
    client: &mut Client,
    content: Content,
    path: &std::path::Path,
    options: &str,
) -> Result<std::result::Result<Item, String>> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    content.write(&mut file)?;
    std::io::Write::flush(&mut file)?;
    let command = format!("add?progress=false&nocopy=true{options}");
    let part = Part::Lying("f".into(), content, path.display().to_string());
    let answer = client.send(&command, &[part])?;
    item(answer, "Hash", What::File(content))
}

/// Adds a directory of files.
pub(crate) fn add_directory(
    client: &mut Client,
    files: Vec<Content>,
    options: &str,
) -> Result<std::result::Result<Item, String>> {
    let mut parts = vec![Part::Directory("d".into())];
    let mut entries = Vec::new();
    for (number, content) in files.into_iter().enumerate() {
        let name = format!("f{number}");
        parts.push(Part::File(format!("d/{name}"), content));
        entries.push((name, content));
    }
    let answer = client.send(&format!("add?progress=false{options}"), &parts)?;
    item(answer, "Hash", What::Directory(entries))
}

/// Stores each content as a block.
pub(crate) fn put_blocks(
    client: &mut Client,
    contents: &[Content],
    options: &str,
) -> Result<std::result::Result<Vec<Item>, String>> {
    let parts: Vec<Part> = contents
        .iter()
        .map(|content| Part::File("b".into(), *content))
        .collect();
    let body = match client.send(&format!("block/put?x=x{options}"), &parts)? {
        Ok(body) => body,
        Err(message) => return Ok(Err(message)),
    };
    let lines = lines(&body)?;
    if lines.len() != contents.len() {
        bail!("block put: {} answers to {}", lines.len(), contents.len());
    }
    let items = lines.iter().zip(contents).map(|(line, content)| {
        let cid = line["Key"].as_str().context("block put: no Key")?;
        Ok(Item {
            cid: cid.to_owned(),
            what: What::Block(*content),
        })
    });
    items.collect::<Result<_>>().map(Ok)
}

/// Imports a CAR that has each content as a block, and as a root.
pub(crate) fn import_car(
    client: &mut Client,
    contents: &[Content],
    options: &str,
) -> Result<std::result::Result<Vec<Item>, String>> {
    let mut blocks = Vec::with_capacity(contents.len());
    for content in contents {
        let mut bytes = Vec::new();
        content.write(&mut bytes)?;
        blocks.push(Block::hash(1, codec::RAW, Hasher::SHA2_256, bytes.into())?);
    }
    let roots: Vec<Cid> = blocks.iter().map(|block| *block.cid()).collect();
    let mut car = Vec::new();
    basalt_car::write_header(&roots, &mut car);
    for block in &blocks {
        basalt_car::write_section(block.cid(), block.data(), &mut car);
    }
    let command = format!("dag/import?stats=true{options}");
    let body = match client.send(&command, &[Part::Bytes("x.car".into(), car)])? {
        Ok(body) => body,
        Err(message) => return Ok(Err(message)),
    };
    for line in lines(&body)? {
        match line["Root"]["PinErrorMsg"].as_str() {
            Some("") | None => {}
            Some(error) => bail!("dag import: a root is not pinned: {error}"),
        }
    }
    let items = roots.iter().zip(contents).map(|(root, content)| Item {
        cid: root.to_string(),
        what: What::Block(*content),
    });
    Ok(Ok(items.collect()))
}

/// The item named by the last line, which is the root.
fn item(answer: Answer, field: &str, what: What) -> Result<std::result::Result<Item, String>> {
    let body = match answer {
        Ok(body) => body,
        Err(message) => return Ok(Err(message)),
    };
    let lines = lines(&body)?;
    let cid = lines.last().and_then(|line| line[field].as_str());
    let cid = cid.context("the answer names no CID")?.to_owned();
    Ok(Ok(Item { cid, what }))
}

/// What came of reading an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Right,
    /// The daemon said that it cannot.
    Refused(String),
    /// The worst: other bytes without an error.
    Wrong(String),
}

impl Item {
    /// Reads all of it.
    pub(crate) fn read(&self, client: &mut Client) -> Result<Read> {
        match &self.what {
            What::File(content) => read(client, &format!("cat?arg={}", self.cid), *content),
            What::Block(content) => read(client, &format!("block/get?arg={}", self.cid), *content),
            What::Directory(entries) => {
                let mut outcome = Read::Right;
                for (name, content) in entries {
                    let command = format!("cat?arg=/ipfs/{}/{name}", self.cid);
                    match read(client, &command, *content)? {
                        Read::Right => {}
                        wrong @ Read::Wrong(_) => return Ok(wrong),
                        refused @ Read::Refused(_) => outcome = refused,
                    }
                }
                Ok(outcome)
            }
        }
    }

    /// Reads all of it; anything but the right bytes is an error.
    pub(crate) fn must_read(&self, client: &mut Client) -> Result<()> {
        match self.read(client)? {
            Read::Right => Ok(()),
            Read::Refused(message) => bail!("{} is lost: {message}", self.cid),
            Read::Wrong(command) => bail!("wrong bytes: {command}"),
        }
    }
}

fn read(client: &mut Client, command: &str, content: Content) -> Result<Read> {
    Ok(match client.call(command)? {
        Ok(body) if content.is(&body) => Read::Right,
        Ok(_) => Read::Wrong(command.to_owned()),
        Err(message) => Read::Refused(message),
    })
}

/// The CIDs of all recursive pins.
pub(crate) fn pins(client: &mut Client) -> Result<BTreeSet<String>> {
    let rows = client.lines("pin/ls?type=recursive&stream=true")?;
    let cid = |row: &serde_json::Value| Some(row["Cid"].as_str()?.to_owned());
    rows.iter()
        .map(|row| cid(row).context("pin ls: no Cid"))
        .collect()
}

/// Every pin is complete, every block whole, and the counters are those of a recount.
pub(crate) fn sound(client: &mut Client) -> Result<u64> {
    for row in client.lines("pin/verify?verbose=true")? {
        if row["Ok"] != true {
            bail!("pin verify: {row}");
        }
    }
    let verified = client.lines("repo/verify")?;
    if verified.last().map(|row| &row["Msg"])
        != Some(&"verify complete, all blocks validated.".into())
    {
        bail!("repo verify: {:?}", verified.last());
    }
    let counted = client.lines("refs/local")?.len() as u64;
    let stat = client.lines("repo/stat")?;
    let said = stat.first().and_then(|stat| stat["NumObjects"].as_u64());
    if said != Some(counted) {
        bail!("repo stat says {said:?} blocks, refs local lists {counted}");
    }
    Ok(counted)
}

/// A content that no other of the run is like.
pub(crate) fn content(dice: &mut Dice, from: u64, to: u64) -> Content {
    Content {
        seed: dice.next(),
        len: dice.within(from, to),
    }
}
