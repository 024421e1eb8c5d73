use crate::MAX_CHUNK_SIZE;

/// Why a chunker's name was refused. The texts are those that Kubo's users see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The part before the first dash names no chunker.
    #[error("unrecognized chunker option: {0}")]
    Unknown(String),
    /// `size` needs exactly one number.
    #[error("incorrect chunker string format (expected size-{{size}})")]
    SizeFormat,
    /// `rabin` has none, one or three numbers.
    #[error("incorrect format (expected 'rabin' 'rabin-[avg]' or 'rabin-[min]-[avg]-[max]'")]
    RabinFormat,
    /// A number in the name is not one.
    #[error("strconv.Atoi: parsing {0:?}: invalid syntax")]
    NotANumber(String),
    /// A number in the name does not fit 64 bits.
    #[error("strconv.Atoi: parsing {0:?}: value out of range")]
    NumberOutOfRange(String),
    /// Chunks of no bytes.
    #[error("chunker size must be greater than 0")]
    ZeroSize,
    /// Chunks that would not fit a block.
    #[error("chunker parameters may not exceed the maximum chunk size of {MAX_CHUNK_SIZE}")]
    TooLarge,
    /// The fingerprint's window does not fit the least chunk.
    #[error("rabin min must be greater than 16")]
    RabinMin,
    /// The first of three numbers has a label other than `min:`.
    #[error("first label must be min")]
    FirstLabel,
    /// The second of three numbers has a label other than `avg:`.
    #[error("second label must be avg")]
    SecondLabel,
    /// The last of three numbers has a label other than `max:`.
    #[error("final label must be max")]
    FinalLabel,
    /// `min` is not under `avg`.
    #[error("incorrect format: rabin-min must be smaller than rabin-avg")]
    MinNotUnderAvg,
    /// `avg` is not under `max`.
    #[error("incorrect format: rabin-avg must be smaller than rabin-max")]
    AvgNotUnderMax,
}
