//! The least that still shows a difference.

use anyhow::Result;

use super::both::{Both, End};
use super::plan::Step;

/// Walks that are tried at most.
const TRIES: usize = 300;

/// Leaves steps away as long as the walk ends in a difference; those that are left, and the difference.
pub(super) fn shrink(both: &mut Both, mut steps: Vec<Step>) -> Result<(Vec<Step>, String)> {
    let mut shown = "not when it was walked again".to_owned();
    let mut tries = 0;
    let mut length = steps.len();
    while length > 0 && tries < TRIES {
        let mut at = 0;
        while at < steps.len() && tries < TRIES {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + length).min(steps.len()));
            tries += 1;
            let walk = both.walk(&fewer)?;
            match walk.end {
                End::Differs(difference) => {
                    fewer.truncate(usize::try_from(walk.steps)?);
                    (steps, shown) = (fewer, difference);
                }
                End::Same | End::Meant(_) => at += length,
            }
        }
        length /= 2;
    }
    if let End::Differs(difference) = both.walk(&steps)?.end {
        shown = difference;
    }
    Ok((steps, shown))
}
