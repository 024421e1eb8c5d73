//! Rows of the filestore: what is read is written again the same, and stays within its bounds.
#![no_main]

use basalt_filestore::Row;
use basalt_fuzz::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 4, 1 << 10, || {
        let Some(row) = Row::decode(data) else {
            return;
        };
        assert!(row.reference.size <= 2 << 20);
        assert!(row.reference.offset.checked_add(row.reference.size).is_some());
        assert!(!row.reference.path.is_empty());
        assert_eq!(Row::decode(&row.encode()), Some(row));
    });
});
