//! Publishing under names.

use basalt_ipld::Path;
use basalt_ipns::{Name, Publication};
use basalt_repo::PrivateKey;

use crate::{Node, Result};

impl Node {
    /// Publishes under the name of `key`: signs a record and keeps it, durably. Other nodes do not
    /// learn of it.
    ///
    /// # Errors
    /// The sequence number is not greater than the present one, or the store fails.
    pub async fn publish_locally(
        &self,
        key: &PrivateKey,
        publication: Publication,
    ) -> Result<Name> {
        let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
        let store = self.names().store();
        store.publish(key.public(), publication, sign).await?;
        Ok(Name::of(key.public()))
    }

    /// Checks that a path leads to a block that can be had and read.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check_exists(&self, path: &Path, offline: bool) -> Result<()> {
        let found = self.resolve(path, offline).await?;
        let blocks = match offline {
            true => self.blocks().offline(),
            false => self.blocks().session(),
        };
        let block = blocks.get(&found.cid).await?;
        basalt_ipld::decode_block(found.cid.codec(), block.data())?;
        Ok(())
    }
}
