use super::{Text, Value};

/// In which order the entries of maps are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    AsIs,
    ByName,
    ByLengthThenName,
}

/// What is met on the way through a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// Anything but a list or map.
    Scalar(&'a Value),
    /// A list or map begins.
    Open(&'a Value),
    /// The next value inside, under its name if it is in a map, begins.
    Entry {
        is_first: bool,
        name: Option<&'a Text>,
    },
    /// The list or map ends.
    Close(&'a Value),
}

struct Inside<'a> {
    container: &'a Value,
    entries: Entries<'a>,
    is_first: bool,
}

enum Entries<'a> {
    List(std::slice::Iter<'a, Value>),
    Map(std::slice::Iter<'a, (Text, Value)>),
    Sorted(std::vec::IntoIter<&'a (Text, Value)>),
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Option<&'a Text>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::List(list) => list.next().map(|value| (None, value)),
            Self::Map(map) => map.next().map(|(name, value)| (Some(name), value)),
            Self::Sorted(map) => map.next().map(|(name, value)| (Some(name), value)),
        }
    }
}

impl<'a> Entries<'a> {
    fn of(value: &'a Value, order: Order) -> Option<Self> {
        let map = match value {
            Value::List(list) => return Some(Self::List(list.iter())),
            Value::Map(map) => map,
            _ => return None,
        };
        let key = |entry: &&'a (Text, Value)| {
            let name = entry.0.as_bytes();
            match order {
                Order::ByLengthThenName => (name.len(), name),
                _ => (0, name),
            }
        };
        if order == Order::AsIs || map.iter().is_sorted_by_key(|entry| key(&entry)) {
            return Some(Self::Map(map.iter()));
        }
        let mut sorted: Vec<_> = map.iter().collect();
        sorted.sort_by_key(key);
        Some(Self::Sorted(sorted.into_iter()))
    }
}

/// Goes through a value, depth first, without recursion: values may be a thousand levels deep, and
/// threads have little stack.
pub(crate) fn visit<'a, E>(
    root: &'a Value,
    order: Order,
    mut event: impl FnMut(Event<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut open: Vec<Inside<'a>> = Vec::new();
    let mut value = root;
    loop {
        match Entries::of(value, order) {
            None => event(Event::Scalar(value))?,
            Some(entries) => {
                event(Event::Open(value))?;
                open.push(Inside {
                    container: value,
                    entries,
                    is_first: true,
                });
            }
        }
        loop {
            let Some(inside) = open.last_mut() else {
                return Ok(());
            };
            if let Some((name, next)) = inside.entries.next() {
                let is_first = std::mem::take(&mut inside.is_first);
                event(Event::Entry { is_first, name })?;
                value = next;
                break;
            }
            event(Event::Close(inside.container))?;
            open.pop();
        }
    }
}
