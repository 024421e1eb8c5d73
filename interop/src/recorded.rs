//! Kubo's answers, kept in `testdata/recorded/<group>.json`.

use std::fs;

use anyhow::{Context, Result};

use crate::places;
use crate::run::Answers;

/// Reads the answers of a group; none when there are none yet.
pub(crate) fn read(group: &str) -> Result<Answers> {
    let path = places::recorded().join(format!("{group}.json"));
    if !path.exists() {
        return Ok(Answers::new());
    }
    let text = fs::read_to_string(&path)?;
    serde_json::from_str(&text).with_context(|| format!("testdata/recorded/{group}.json"))
}

/// Writes those of `answers` that belong to `group`; `whole` forgets all others.
pub(crate) fn write(group: &str, answers: &Answers, whole: bool) -> Result<()> {
    let mut kept = if whole { Answers::new() } else { read(group)? };
    let prefix = format!("{group}: ");
    let own = answers.iter().filter(|(id, _)| id.starts_with(&prefix));
    kept.extend(own.map(|(id, steps)| (id.clone(), steps.clone())));
    let folder = places::recorded();
    fs::create_dir_all(&folder)?;
    let text = serde_json::to_string_pretty(&kept)? + "\n";
    fs::write(folder.join(format!("{group}.json")), text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case;

    /// A step that was refused: wrong usage or bad input.
    fn refused(step: &[String]) -> bool {
        let outcome = step.iter().find(|line| !line.starts_with("> "));
        outcome.is_some_and(|line| {
            (line.starts_with("exit ") && line != "exit 0")
                || line.starts_with("status 4")
                || line.starts_with("status 5")
        })
    }

    #[test]
    fn every_run_has_an_answer_and_a_third_are_refusals() {
        let (mut cases, mut bad) = (0, 0);
        for group in case::load_all().unwrap() {
            let recorded = read(&group.name).unwrap();
            for case in &group.cases {
                let mut refusal = false;
                for &mode in &case.modes {
                    let id = group.id(case, mode);
                    let steps = recorded
                        .get(&id)
                        .unwrap_or_else(|| panic!("{id} is not recorded"));
                    assert_eq!(steps.len(), case.steps.len(), "{id} is recorded otherwise");
                    refusal |= steps.iter().any(|step| refused(step));
                }
                cases += 1;
                bad += usize::from(refusal);
            }
        }
        assert!(bad * 3 >= cases, "{bad} refusals of {cases} cases");
    }
}
