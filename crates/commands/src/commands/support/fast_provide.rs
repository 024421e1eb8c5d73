use basalt::{Cid, FastProvide, KeptBy, Node};

use crate::{Error, Result};

/// Announces roots that a command has added, as its options `--fast-provide-root`, `-dag` and `-wait` say
/// and the config where they do not.
pub(crate) async fn fast_provide(
    node: &Node,
    roots: &[Cid],
    kept: KeptBy,
    [root, dag, wait]: [Option<bool>; 3],
) -> Result<()> {
    if node.provider().is_none() {
        return Ok(());
    }
    let import = node.require_repo()?.config().import();
    let how = FastProvide {
        root: root.unwrap_or(import.fast_provide_root),
        dag: dag.unwrap_or(import.fast_provide_dag),
        wait: wait.unwrap_or(import.fast_provide_wait),
    };
    for cid in roots {
        let told = node.fast_provide(*cid, how, kept).await;
        told.map_err(|e| Error::new(format!("fast-provide: {e}")))?;
    }
    Ok(())
}
