//! The introductory texts of a new repo, as a directory.

use basalt_block::Cid;
use basalt_unixfs::{
    BlockSink, DirectoryBuilder, DirectoryOptions, FileBuilder, FileOptions, Result, Stat,
};
use std::sync::Arc;

const TEXTS: [(&str, &str); 7] = [
    ("about", include_str!("texts/about")),
    ("contact", include_str!("texts/contact")),
    ("help", include_str!("texts/help")),
    ("ping", include_str!("texts/ping")),
    ("quick-start", include_str!("texts/quick-start")),
    ("readme", include_str!("texts/readme")),
    ("security-notes", include_str!("texts/security-notes")),
];

/// Writes them to `sink` and tells the root.
pub(super) async fn write(sink: Arc<dyn BlockSink>) -> Result<Cid> {
    let mut directory = DirectoryBuilder::new(DirectoryOptions::default(), Stat::default())?;
    for (name, text) in TEXTS {
        let mut file = FileBuilder::new(FileOptions::default(), sink.clone())?;
        file.write(text.into()).await?;
        let file = file.finish().await?;
        directory.add(name.as_bytes(), &file.cid, file.dag_size)?;
    }
    Ok(directory.finish(&*sink).await?.cid)
}
