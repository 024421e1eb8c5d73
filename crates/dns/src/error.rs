/// What is wrong with a table of resolvers. The texts are Kubo's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A domain does not end in a dot.
    #[error("invalid domain {0}; must be FQDN")]
    Domain(String),
    /// A resolver is not `http://` or `https://`.
    #[error("bad resolver for {domain}: invalid DoH resolver URL: {url}")]
    Url {
        /// The domain that it is for.
        domain: String,
        /// The URL.
        url: String,
    },
    /// A resolver elsewhere is asked in the clear.
    #[error("bad resolver for {0}: insecure URL: non-local DoH resolvers must use HTTPS")]
    Insecure(String),
}
