//! The mutable file tree: what a call has answered is there after the daemon was killed.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::World;
use crate::proof::client::Client;
use crate::proof::content::{Content, Dice};
use crate::proof::items;

/// The files of the tree, and what each may be now: more than one thing where a call was cut off.
pub(super) type Tree = BTreeMap<String, Vec<Option<Content>>>;

/// Files that one side works on.
const FILES: u64 = 24;

/// Writes, moves and removes files of one side, one call after the other.
pub(super) fn change(world: &World, client: &mut Client, dice: &mut Dice) -> Result<()> {
    // A call at a time: who else works on the tree has other files.
    let side = dice.within(0, 2);
    let _turn = world.turns[side as usize]
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = |n: u64| format!("/proof/{side}/{}/f{n}", n % 3);
    let at = path(dice.within(0, FILES - 1));
    match dice.within(0, 9) {
        0..=5 => {
            let limit = 1 << dice.within(5, 19);
            let content = items::content(dice, 16, limit);
            let command = format!("files/write?arg={at}&create=true&parents=true&truncate=true");
            let part = crate::proof::client::Part::File("f".into(), content);
            let answer = client.send(&command, &[part]);
            settle(world, answer, &[(&at, Some(content))])
        }
        6 | 7 => {
            let answer = client.call(&format!("files/rm?arg={at}&force=true"));
            settle(world, answer, &[(&at, None)])
        }
        _ => {
            let to = path(dice.within(0, FILES - 1));
            let known = world.tree().get(&at).cloned();
            let Some([Some(content)]) = known.as_deref() else {
                return Ok(());
            };
            // The folder that it goes to is there if anything was ever written into it.
            if to == at || !world.tree().contains_key(&to) {
                return Ok(());
            }
            let answer = client.call(&format!("files/mv?arg={at}&arg={to}"));
            settle(world, answer, &[(&at, None), (&to, Some(*content))])
        }
    }
}

/// Takes note of what a call has done, or may have.
fn settle(
    world: &World,
    answer: Result<crate::proof::client::Answer>,
    done: &[(&str, Option<Content>)],
) -> Result<()> {
    let heard = world.heard(answer);
    let mut tree = world.tree();
    for (path, now) in done {
        let states = tree.entry((*path).to_owned()).or_insert_with(|| vec![None]);
        match &heard {
            Ok(Ok(_)) => *states = vec![*now],
            _ => states.push(*now),
        }
    }
    drop(tree);
    match heard? {
        Ok(_) => Ok(()),
        Err(message) => bail!("{}: {message}", done[0].0),
    }
}

/// Reads the whole tree; what differs from what was answered is told.
pub(super) fn verify(world: &World, client: &mut Client) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut tree = world.tree();
    for (path, states) in tree.iter_mut() {
        let read = client.call(&format!("files/read?arg={path}"))?;
        let found = states.iter().copied().find(|state| match (state, &read) {
            (Some(content), Ok(body)) => content.is(body),
            (None, Err(message)) => message.contains("does not exist"),
            _ => false,
        });
        match found {
            Some(state) => *states = vec![state],
            None => problems.push(format!(
                "{path} is none of the {} things that it may be: {:?}",
                states.len(),
                read.map(|body| format!("{} bytes", body.len()))
            )),
        }
    }
    Ok(problems)
}
