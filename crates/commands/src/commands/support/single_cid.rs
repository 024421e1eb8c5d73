use basalt::Cid;
use basalt::block::parse_cid;
use basalt::ipld::Path;

/// A CID, or a path that is no more than one.
pub(crate) fn single_cid(text: &str) -> Result<Cid, String> {
    if let Ok((cid, _)) = parse_cid(text) {
        return Ok(cid);
    }
    let path = Path::parse_argument(text).map_err(|e| e.to_string())?;
    if path.segments().next().is_some() {
        return Err(format!(
            "{text:?} points below a root CID, expected a single CID"
        ));
    }
    parse_cid(&path.root()).map(|(cid, _)| cid)
}
