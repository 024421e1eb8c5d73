use crate::Error;

// Kubo's limits, in its units: what a block may cost to decode, and the longest string.
const BUDGET: u64 = 10 << 20;
const NAME_COST: u64 = 8;
const ENTRY_COST: u64 = 4;
const MAX_STRING: u64 = 32 << 20;
const MAX_DEPTH: usize = 1024;

/// A data item, or the head of one that has items inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    Uint(u64),
    Nint(i64),
    Float(f64),
    Bytes(&'a [u8]),
    Tagged(u64, &'a [u8]),
    Text(&'a [u8]),
    List(u64),
    Map(u64),
}

impl Item<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Uint(_) => "uint",
            Self::Nint(_) => "int",
            Self::Float(_) => "float",
            Self::Bytes(_) | Self::Tagged(..) => "bytes",
            Self::Text(_) => "string",
            Self::List(_) => "array open",
            Self::Map(_) => "map open",
        }
    }
}

/// Takes a block apart, item by item, within the limits.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    budget: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            budget: BUDGET,
        }
    }

    pub(super) fn item(&mut self, depth: usize) -> Result<Item<'a>, Error> {
        let item = self.any_item()?;
        match item {
            Item::Null => {}
            Item::Bytes(bytes) | Item::Tagged(_, bytes) | Item::Text(bytes) => {
                self.spend(bytes.len() as u64)?;
            }
            Item::List(len) | Item::Map(len) => {
                if depth >= MAX_DEPTH {
                    return Err(self.bad("message structure exceeded maximum nesting depth"));
                }
                self.spend(len)?;
            }
            _ => self.spend(1)?,
        }
        Ok(item)
    }

    /// An item inside a list.
    pub(super) fn entry(&mut self, depth: usize) -> Result<Item<'a>, Error> {
        self.spend(ENTRY_COST)?;
        self.item(depth)
    }

    /// A name in a map.
    pub(super) fn name(&mut self) -> Result<&'a [u8], Error> {
        match self.any_item()? {
            Item::Text(name) => {
                self.spend(name.len() as u64 + NAME_COST)?;
                Ok(name)
            }
            item => Err(self.bad(format!(
                "unexpected {} token while expecting map key",
                item.name()
            ))),
        }
    }

    pub(super) fn end(&self) -> Result<(), Error> {
        if self.at == self.data.len() {
            return Ok(());
        }
        Err(self.bad("unexpected content after end of cbor object"))
    }

    /// How many items to make room for in a list or map of claimed length `len`, inside of `depth`
    /// others: few, and fewer the deeper, since each of a thousand nested ones may claim many.
    pub(super) fn capacity(&self, len: u64, depth: usize) -> usize {
        let left = self.data.len() - self.at;
        usize::try_from(len)
            .unwrap_or(left)
            .min(left)
            .min(64 / (depth + 1))
    }

    fn any_item(&mut self) -> Result<Item<'a>, Error> {
        let mut tag = None;
        loop {
            let head = self.byte()?;
            return Ok(match head >> 5 {
                0 => Item::Uint(self.argument(head)?),
                1 => {
                    let value = self.argument(head)?;
                    let value = i64::try_from(value).map_err(|_| {
                        self.bad("cbor: negative integer out of rage of int64 type")
                    })?;
                    Item::Nint(-1 - value)
                }
                2 => match (self.string(head)?, tag) {
                    (bytes, Some(tag)) => Item::Tagged(tag, bytes),
                    (bytes, None) => Item::Bytes(bytes),
                },
                3 => Item::Text(self.string(head)?),
                4 => Item::List(self.length(head)?),
                5 => Item::Map(self.length(head)?),
                6 if tag.is_some() => {
                    return Err(self.bad("unsupported multiple tags on a single data item"));
                }
                6 => {
                    tag = Some(self.length(head)?);
                    continue;
                }
                _ => self.simple(head)?,
            });
        }
    }

    fn simple(&mut self, head: u8) -> Result<Item<'a>, Error> {
        let float = match head {
            0xf4 | 0xf5 => return Ok(Item::Bool(head == 0xf5)),
            // `undefined` is read as null.
            0xf6 | 0xf7 => return Ok(Item::Null),
            0xf9 => half(u16::from_be_bytes(self.array()?)),
            0xfa => f32::from_be_bytes(self.array()?).into(),
            0xfb => f64::from_be_bytes(self.array()?),
            _ => return Err(self.bad(format!("invalid majorByte: 0x{head:x}"))),
        };
        if float.is_nan() {
            return Err(self.bad("cbor: NaN float value rejected"));
        }
        if float.is_infinite() {
            return Err(self.bad("cbor: infinite float value rejected"));
        }
        Ok(Item::Float(float))
    }

    fn argument(&mut self, head: u8) -> Result<u64, Error> {
        let (value, least) = match head & 0x1f {
            value @ ..24 => return Ok(value.into()),
            24 => (self.byte()?.into(), 24),
            25 => (u16::from_be_bytes(self.array()?).into(), 1 << 8),
            26 => (u32::from_be_bytes(self.array()?).into(), 1 << 16),
            27 => (u64::from_be_bytes(self.array()?), 1 << 32),
            31 if (2..6).contains(&(head >> 5)) => {
                return Err(self.bad("cbor: indefinite-length encoding rejected"));
            }
            _ => {
                return Err(self.bad(format!("decodeUint: Invalid descriptor: {head}")));
            }
        };
        if value < least {
            return Err(self.bad("cbor: integer not minimally encoded"));
        }
        Ok(value)
    }

    fn length(&mut self, head: u8) -> Result<u64, Error> {
        let length = self.argument(head)?;
        if length > i64::MAX as u64 {
            return Err(self.bad("cbor: positive integer is out of length"));
        }
        Ok(length)
    }

    fn string(&mut self, head: u8) -> Result<&'a [u8], Error> {
        let length = self.length(head)?;
        if length > MAX_STRING {
            let field = if head >> 5 == 2 { "byte" } else { "string" };
            return Err(self.bad(format!(
                "cbor: decoding rejected oversized {field} field: {length} is too large"
            )));
        }
        self.take(length as usize)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let Some(bytes) = self.data[self.at..].get(..len) else {
            return Err(self.bad("unexpected EOF"));
        };
        self.at += len;
        Ok(bytes)
    }

    fn spend(&mut self, cost: u64) -> Result<(), Error> {
        let Some(left) = self.budget.checked_sub(cost) else {
            return Err(self.bad("message structure demanded too many resources to process"));
        };
        self.budget = left;
        Ok(())
    }

    #[cold]
    pub(super) fn bad(&self, reason: impl Into<String>) -> Error {
        Error::Malformed {
            offset: self.at,
            reason: reason.into(),
        }
    }
}

/// A float of 16 bits: IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (mantissa + 1024.0) * 2f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}
