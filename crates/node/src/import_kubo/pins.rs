//! Pins of Kubo's become pins of ours.

use std::sync::Arc;

use basalt_blockstore_rocks::RocksStore;
use basalt_kubo::{Api, Error as KuboError, KuboRepo};
use basalt_pin::{Error as PinError, MAX_NAME, Pin, Pins};
use tokio::sync::mpsc;

use super::{Events, KuboImported, damaged, note, pins_of};
use crate::Result;

/// Pins that are written together.
const BATCH: usize = 1000;

type Found = basalt_kubo::Result<basalt_kubo::Pin>;

/// Brings the pins over: first those of whole DAGs, which a direct pin never takes the place of.
pub(super) async fn bring(
    source: &Arc<KuboRepo>,
    api: Option<&Api>,
    store: &Arc<RocksStore>,
    events: &Events,
    done: &mut KuboImported,
) -> Result<()> {
    let pins = pins_of(store);
    if api.is_none() {
        let source = source.clone();
        for text in tokio::task::spawn_blocking(move || source.torn()).await?? {
            note(events, format!("the end of a log was torn: {text}")).await;
        }
    }
    for recursive in [true, false] {
        let (tx, mut rx) = mpsc::channel::<Found>(BATCH);
        let (source, api) = (source.clone(), api.cloned());
        let reader = tokio::task::spawn_blocking(move || read(&source, api, recursive, &tx));
        let mut batch = Vec::new();
        while let Some(found) = rx.recv().await {
            match found {
                Ok(pin) => batch.push(ours(pin)),
                Err(KuboError::BadPin(what, reason)) => {
                    // Each is met twice.
                    if recursive {
                        damaged(events, done, what, reason).await;
                    }
                }
                Err(error) => return Err(error.into()),
            }
            if batch.len() >= BATCH {
                put(&pins, std::mem::take(&mut batch), done).await?;
            }
        }
        reader.await??;
        put(&pins, batch, done).await?;
    }
    Ok(())
}

fn read(
    source: &KuboRepo,
    api: Option<Api>,
    recursive: bool,
    tx: &mpsc::Sender<Found>,
) -> Result<()> {
    let all: Box<dyn Iterator<Item = Found>> = match api {
        Some(api) => Box::new(api.pins()?),
        None => Box::new(source.pins()?),
    };
    let mut wanted = all.filter(|pin| pin.as_ref().map_or(true, |pin| pin.recursive == recursive));
    // Sending fails when the import has failed.
    while let Some(pin) = wanted.next()
        && tx.blocking_send(pin).is_ok()
    {}
    Ok(())
}

fn ours(pin: basalt_kubo::Pin) -> Pin {
    let mut name = pin.name;
    // Kubo had no limit at first.
    let mut end = name.len().min(MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    let ours = if pin.recursive {
        Pin::recursive(pin.cid)
    } else {
        Pin::direct(pin.cid)
    };
    ours.named(name)
}

async fn put(pins: &Pins, batch: Vec<Pin>, done: &mut KuboImported) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    match pins.put_many(&batch).await {
        Ok(()) => done.pins += batch.len() as u64,
        Err(PinError::AlreadyPinned(_)) => {
            for pin in batch {
                match pins.put_many(&[pin]).await {
                    // What is kept with all below it is kept.
                    Ok(()) | Err(PinError::AlreadyPinned(_)) => done.pins += 1,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
