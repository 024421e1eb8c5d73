//! The values that others gave this node to keep.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Mutex;

use super::store::{expire, fresh, stamped};
use crate::{Error, Records, Result, Validators};

/// The table; the key follows.
const TABLE: &[u8] = b"dht/values/";
/// Values that are kept.
const VALUES: usize = 200_000;
/// Bytes of a key and of a value.
const KEY: usize = 128;
const VALUE: usize = 16 << 10;

/// The values of a node, each the best that was given for its key.
pub struct Values {
    records: Arc<dyn Records>,
    validators: Validators,
    /// Held from reading a value to replacing it, so that no worse one replaces a better one. Values
    /// are seldom written, and reading does not wait for it.
    writing: Mutex<()>,
    count: AtomicUsize,
}

impl Values {
    /// The values in `records`, by these rules.
    pub fn new(records: Arc<dyn Records>, validators: Validators) -> Self {
        Self {
            records,
            validators,
            writing: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// The rules.
    pub fn validators(&self) -> &Validators {
        &self.validators
    }

    /// The value of a key, and when it was received, in seconds since 1970.
    ///
    /// # Errors
    /// The store fails.
    pub async fn get(&self, key: &[u8]) -> Result<Option<(u64, Bytes)>> {
        let stored = self.records.get(&[TABLE, key].concat()).await?;
        Ok(stored.as_ref().and_then(fresh))
    }

    /// Keeps a value, which is durable then.
    ///
    /// # Errors
    /// It is not a valid one, [`Error::Older`], or the store fails.
    pub async fn put(&self, key: &[u8], value: &Bytes) -> Result<()> {
        if key.len() > KEY || value.len() > VALUE {
            return Err(Error::Refused("the value is too large"));
        }
        self.validators.validate(key, value)?;
        let _writing = self.writing.lock().await;
        let present = self.get(key).await?;
        let is_new = present.is_none();
        match present {
            // It may have expired since it came.
            Some((_, present)) => {
                let alive = self.validators.validate(key, &present).is_ok();
                if alive && present != *value && !self.validators.is_better(key, value, &present) {
                    return Err(Error::Older);
                }
            }
            None if self.count.load(Ordering::Relaxed) >= VALUES => {
                return Err(Error::Refused("too many values"));
            }
            None => {}
        }
        let place = [TABLE, key].concat();
        let write = vec![(place.into(), Some(stamped(value)))];
        self.records.write(write).await?;
        if is_new {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Deletes what is too old.
    ///
    /// # Errors
    /// The store fails.
    pub async fn expire(&self) -> Result<()> {
        let left = expire(&*self.records, TABLE).await?;
        self.count.store(left, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::OnDisk;
    use crate::{MemoryRecords, Validator};

    /// The longer value is better, and it is not empty.
    struct Longer;

    impl Validator for Longer {
        fn validate(&self, _: &[u8], value: &[u8]) -> Result<()> {
            match value {
                [] => Err(Error::Invalid("empty".to_owned())),
                _ => Ok(()),
            }
        }

        fn is_better(&self, _: &[u8], value: &[u8], than: &[u8]) -> bool {
            value.len() > than.len()
        }
    }

    #[tokio::test]
    async fn the_best_value_is_kept() {
        let validators = Validators::default().with("x", Longer);
        let values = Values::new(Arc::new(MemoryRecords::default()), validators);
        let put = async |key: &[u8], value: &'static [u8]| {
            values.put(key, &Bytes::from_static(value)).await
        };
        assert!(put(b"/x/a", b"12").await.is_ok());
        assert!(matches!(put(b"/x/a", b"1").await, Err(Error::Older)));
        assert!(put(b"/x/a", b"12").await.is_ok());
        assert!(put(b"/x/a", b"123").await.is_ok());
        assert!(matches!(put(b"/x/a", b"").await, Err(Error::Invalid(_))));
        assert!(matches!(
            put(b"/y/a", b"1").await,
            Err(Error::UnknownNamespace)
        ));
        assert_eq!(values.get(b"/x/a").await.unwrap().unwrap().1, "123");
        assert_eq!(values.get(b"/x/b").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_full_disk_costs_no_value_and_no_room() {
        let disk = Arc::new(OnDisk::default());
        let validators = Validators::default().with("x", Longer);
        let values = Values::new(disk.clone(), validators);
        let (old, new) = (Bytes::from_static(b"1"), Bytes::from_static(b"12"));
        values.put(b"/x/a", &old).await.unwrap();
        disk.full.store(true, Ordering::Relaxed);
        for n in 0..10u8 {
            let put = values.put(&[b'/', b'x', b'/', n], &new).await;
            assert!(matches!(put, Err(Error::Store(_))));
        }
        assert!(values.put(b"/x/a", &new).await.is_err());
        assert_eq!(values.get(b"/x/a").await.unwrap().unwrap().1, old);
        assert_eq!(values.count.load(Ordering::Relaxed), 1);
        disk.full.store(false, Ordering::Relaxed);
        values.put(b"/x/a", &new).await.unwrap();
        values.put(b"/x/b", &new).await.unwrap();
        assert_eq!(values.get(b"/x/a").await.unwrap().unwrap().1, new);
        assert_eq!(values.count.load(Ordering::Relaxed), 2);
    }
}
