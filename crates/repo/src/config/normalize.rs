//! Decoding a document against the schema, with the leniency and the error texts of Go.

use serde_json::{Map, Number, Value};

use super::schema::{self, Field, Kind, Struct};
use crate::byte_size::parse_byte_size;
use crate::go_duration::GoDuration;
use crate::go_json;
use crate::go_text::quote;

/// The document as Kubo would write it after reading it: every key it knows in its order, absent
/// values as `null` or left out, unknown keys gone.
///
/// The error is a message without the "failure to decode config" in front.
pub(super) fn normalize(document: &Value) -> Result<Value, String> {
    let mut decoder = Decoder::default();
    if !document.is_object() && !document.is_null() {
        return Err(format!(
            "json: cannot unmarshal {} into Go value of type config.Config",
            described(document)
        ));
    }
    let whole = decoder
        .structure(&schema::CONFIG, Some(document))
        .map_err(|message| decoder.placed(message))?;
    match decoder.mismatch {
        Some(message) => Err(message),
        None => Ok(whole),
    }
}

/// Go's decoder goes on past a value of the wrong type and reports the first such at the end; a
/// type with a decoder of its own stops it at once.
#[derive(Default)]
struct Decoder {
    path: Vec<&'static str>,
    structs: Vec<&'static str>,
    mismatch: Option<String>,
    /// Within a router's parameters Go's messages name the structure around the router.
    in_router: bool,
}

/// A normalized value, and whether `omitempty` leaves it out.
type Normal = (Value, bool);

impl Decoder {
    fn structure(&mut self, of: &'static Struct, value: Option<&Value>) -> Result<Value, String> {
        let object = value.and_then(Value::as_object);
        // In the order of the document, as Go does it: the first fault is the one reported.
        let mut found: Vec<Option<Normal>> = Vec::new();
        found.resize_with(of.fields.len(), || None);
        let name = if self.in_router { None } else { Some(of.name) };
        self.structs.extend(name);
        for (key, value) in object.into_iter().flatten() {
            if let Some(at) = of.position(key) {
                found[at] = Some(self.field(&of.fields[at], Some(value))?);
            }
        }
        let mut out = Map::with_capacity(of.fields.len());
        for (field, found) in of.fields.iter().zip(found) {
            let (value, empty) = match found {
                Some(normal) => normal,
                None => self.field(field, None)?,
            };
            if !(field.omit_empty && empty) {
                out.insert(field.name.to_owned(), value);
            }
        }
        if name.is_some() {
            self.structs.pop();
        }
        Ok(Value::Object(out))
    }

    fn field(&mut self, field: &'static Field, value: Option<&Value>) -> Result<Normal, String> {
        // Left as it is by an error, to tell where that was.
        self.path.push(field.name);
        let normal = match value {
            None | Some(Value::Null) if field.pointer => (Value::Null, true),
            Some(value) if field.pointer => (self.value(&field.kind, Some(value))?.0, false),
            value => self.value(&field.kind, value)?,
        };
        self.path.pop();
        Ok(normal)
    }

    /// Names the key in a message that does not. Kubo leaves its users to guess it.
    fn placed(&self, message: String) -> String {
        let key = self.path.join(".");
        if message.contains(&key) {
            return message;
        }
        format!("{message} (in {key})")
    }

    fn value(&mut self, kind: &'static Kind, value: Option<&Value>) -> Result<Normal, String> {
        // A decoder of the type's own sees `null`; for every other type it means "not there".
        let given = value.filter(|v| !v.is_null());
        Ok(match kind {
            Kind::Bool => match given {
                None => (Value::Bool(false), true),
                Some(Value::Bool(b)) => (Value::Bool(*b), !b),
                Some(other) => (self.mismatched(kind, other, Value::Bool(false)), true),
            },
            Kind::Int(_) => match given {
                None => (0.into(), true),
                Some(other) => match integer(other) {
                    Some(i) => (i.into(), i == 0),
                    None => (self.mismatched(kind, other, 0.into()), true),
                },
            },
            Kind::Str(_) => match given {
                None => ("".into(), true),
                Some(Value::String(s)) => (s.as_str().into(), s.is_empty()),
                Some(other) => (self.mismatched(kind, other, "".into()), true),
            },
            Kind::List(of) => match given {
                None => (Value::Null, true),
                Some(Value::Array(items)) => {
                    let items: Result<Vec<Value>, String> = items
                        .iter()
                        .map(|item| Ok(self.value(of, Some(item))?.0))
                        .collect();
                    let items = items?;
                    let empty = items.is_empty();
                    (Value::Array(items), empty)
                }
                Some(other) => (self.mismatched(kind, other, Value::Null), true),
            },
            Kind::Map(_, of) => match given {
                None => (Value::Null, true),
                Some(Value::Object(entries)) => {
                    // A map of pointers in Go keeps `null`; one of structures makes them empty.
                    let pointers = kind.go_name().contains('*');
                    let mut out = Map::with_capacity(entries.len());
                    for (key, value) in entries {
                        let value = match value {
                            Value::Null if pointers => Value::Null,
                            value => self.value(of, Some(value))?.0,
                        };
                        out.insert(key.clone(), value);
                    }
                    out.sort_keys();
                    let empty = out.is_empty();
                    (Value::Object(out), empty)
                }
                Some(other) => (self.mismatched(kind, other, Value::Null), true),
            },
            Kind::Struct(of) => match given {
                None | Some(Value::Object(_)) => (self.structure(of, given)?, false),
                Some(other) => {
                    self.mismatched(kind, other, Value::Null);
                    (self.structure(of, None)?, false)
                }
            },
            Kind::Strings => self.strings(given)?,
            Kind::Flag => match given {
                None => (Value::Null, true),
                Some(Value::Bool(b)) => (Value::Bool(*b), false),
                Some(other) => {
                    return Err(format!(
                        "failed to unmarshal {} into a flag: must be null/undefined, true, or false",
                        quote(raw(other))
                    ));
                }
            },
            Kind::Priority => match given {
                None => (Value::Null, true),
                Some(Value::Bool(false)) => (Value::Bool(false), false),
                Some(Value::Bool(true)) => return Err("'true' is not a valid priority".to_owned()),
                Some(other) => {
                    let i = integer(other).ok_or_else(|| self.mismatch_text("int64", other))?;
                    if i <= 0 {
                        return Err(format!("priority must be positive: {i} <= 0"));
                    }
                    (i.into(), false)
                }
            },
            Kind::OptInt => match given {
                None => (Value::Null, true),
                Some(other) => {
                    let i = integer(other).ok_or_else(|| self.mismatch_text("int64", other))?;
                    (i.into(), false)
                }
            },
            Kind::OptStr => match given {
                None => (Value::Null, true),
                Some(Value::String(s)) => (s.as_str().into(), false),
                Some(other) => return Err(self.mismatch_text("string", other)),
            },
            Kind::OptBytes => match given {
                None => (Value::Null, true),
                Some(Value::String(s)) => {
                    parse_byte_size(s).map_err(|e| e.to_string())?;
                    (s.as_str().into(), false)
                }
                Some(Value::Number(n)) => {
                    let text = format!("{:.0}", n.as_f64().unwrap_or_default());
                    parse_byte_size(&text).map_err(|e| e.to_string())?;
                    (text.into(), false)
                }
                Some(other) => {
                    return Err(format!(
                        "unable to parse byte size, expected a size string (e.g., \"5GiB\") or a number, but got {}",
                        go_type(other)
                    ));
                }
            },
            Kind::OptDuration => match given {
                None => (Value::Null, true),
                Some(Value::String(s)) if matches!(s.as_str(), "" | "null" | "default") => {
                    (Value::Null, false)
                }
                Some(other) => {
                    let text = raw(other);
                    let d: GoDuration = text
                        .trim_matches('"')
                        .parse()
                        .map_err(|e: crate::go_duration::DurationError| e.to_string())?;
                    (d.to_string().into(), false)
                }
            },
            Kind::Duration => match value {
                None => ("0s".into(), true),
                Some(Value::Number(n)) => {
                    let nanos = n.as_f64().unwrap_or_default() as i64;
                    (GoDuration::from_nanos(nanos).to_string().into(), false)
                }
                Some(Value::String(s)) => {
                    let d: GoDuration = s
                        .parse()
                        .map_err(|e: crate::go_duration::DurationError| e.to_string())?;
                    (d.to_string().into(), false)
                }
                Some(other) => {
                    return Err(format!(
                        "unable to parse duration, expected a duration string or a float, but got {}",
                        go_type(other)
                    ));
                }
            },
            Kind::AutoNat => match given {
                None => ("".into(), true),
                Some(Value::String(s)) => match s.as_str() {
                    "" => ("".into(), true),
                    "enabled" | "disabled" | "legacy-v1" => (s.as_str().into(), false),
                    _ => return Err(format!("unknown autonat mode: {s}")),
                },
                Some(other) => (self.mismatched(kind, other, "".into()), true),
            },
            Kind::Removed { text, allow_false } => match value {
                None => (Value::Bool(false), true),
                Some(Value::Object(o)) if o.is_empty() => (Value::Bool(false), true),
                Some(Value::Bool(false)) if *allow_false => (Value::Bool(false), true),
                Some(_) => return Err((*text).to_owned()),
            },
            Kind::Any | Kind::Raw => (value.cloned().unwrap_or_default(), given.is_none()),
            Kind::Router => self.router(given)?,
            Kind::Peer => self.peer(given)?,
        })
    }

    fn strings(&mut self, given: Option<&Value>) -> Result<Normal, String> {
        match given {
            None => Ok((Value::Null, true)),
            Some(Value::String(s)) if s.is_empty() => Ok((Value::Null, true)),
            Some(Value::String(s)) => Ok((s.as_str().into(), false)),
            Some(Value::Array(items)) => {
                for item in items {
                    if !item.is_string() && !item.is_null() {
                        return Err(self.mismatch_text("string", item));
                    }
                }
                let text = |v: &Value| Value::from(v.as_str().unwrap_or_default());
                Ok(match items.as_slice() {
                    [] => (Value::Null, true),
                    [one] => (text(one), false),
                    more => (Value::Array(more.iter().map(text).collect()), false),
                })
            }
            Some(other) => Err(self.mismatch_text("string", other)),
        }
    }

    fn router(&mut self, given: Option<&Value>) -> Result<Normal, String> {
        let Some(value) = given else {
            return Err("unexpected end of JSON input".to_owned());
        };
        let Some(object) = value.as_object() else {
            return Err(self.mismatch_text("config.Router", value));
        };
        let of = |name: &str| {
            object
                .iter()
                .filter(|(k, _)| k.eq_ignore_ascii_case(name))
                .map(|(_, v)| v)
                .next_back()
        };
        let kind = match of("Type") {
            None | Some(Value::Null) => "",
            Some(Value::String(kind)) => kind,
            Some(other) => {
                self.path.push("Type");
                return Err(self.mismatch_text("config.RouterType", other));
            }
        };
        let Some(parameters) = of("Parameters") else {
            return Err("unexpected end of JSON input".to_owned());
        };
        let params = match kind {
            "http" => Some(&schema::HTTP_PARAMS),
            "dht" => Some(&schema::DHT_PARAMS),
            "sequential" | "parallel" => Some(&schema::COMPOSABLE_PARAMS),
            _ => None,
        };
        let parameters = match (params, parameters) {
            (None, other) => other.clone(),
            (Some(_), Value::Null) => Value::Null,
            (Some(of), Value::Object(_)) => {
                self.in_router = true;
                let parameters = self.structure(of, Some(parameters))?;
                self.in_router = false;
                parameters
            }
            (Some(of), other) => {
                return Err(self.mismatch_text(&Kind::Struct(of).go_name(), other));
            }
        };
        let mut out = Map::new();
        out.insert("Type".to_owned(), kind.into());
        out.insert("Parameters".to_owned(), parameters);
        Ok((Value::Object(out), false))
    }

    fn peer(&mut self, given: Option<&Value>) -> Result<Normal, String> {
        let empty = Map::new();
        let object = match given {
            None => &empty,
            Some(Value::Object(object)) => object,
            Some(other) => return Err(self.mismatch_text("peer.addrInfoJson", other)),
        };
        let id = match object.get("ID") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(id)) => crate::identity::parse_peer_id(id)
                .map_err(|e| format!("failed to parse peer ID: {e}"))?
                .to_base58(),
            Some(other) => {
                self.path.push("ID");
                return Err(self.mismatch_text("string", other));
            }
        };
        let mut addrs = Vec::new();
        match object.get("Addrs") {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for item in items {
                    let Some(text) = item.as_str() else {
                        self.path.push("Addrs");
                        return Err(self.mismatch_text("string", item));
                    };
                    if !text.starts_with('/') {
                        return Err(format!(
                            "failed to parse multiaddr {}: must begin with /",
                            quote(text)
                        ));
                    }
                    addrs.push(Value::from(text));
                }
            }
            Some(other) => {
                self.path.push("Addrs");
                return Err(self.mismatch_text("[]string", other));
            }
        }
        let mut out = Map::new();
        out.insert("ID".to_owned(), id.into());
        out.insert("Addrs".to_owned(), Value::Array(addrs));
        Ok((Value::Object(out), false))
    }

    /// Notes the first value of a wrong type, and stands `default` in for it.
    fn mismatched(&mut self, kind: &Kind, value: &Value, default: Value) -> Value {
        if self.mismatch.is_none() {
            let expected = kind.go_name();
            let text = if matches!(kind, Kind::Int(_)) {
                self.mismatch_text(&expected, value)
            } else {
                self.mismatch_with(&expected, described(value))
            };
            self.mismatch = Some(text);
        }
        default
    }

    /// Numbers are quoted only where a number of another kind would have done.
    fn mismatch_text(&self, expected: &str, value: &Value) -> String {
        match value {
            Value::Number(n) if expected.starts_with("int") => {
                let float = n.as_f64().map(Value::from).unwrap_or_default();
                self.mismatch_with(expected, &format!("number {}", raw(&float)))
            }
            _ => self.mismatch_with(expected, described(value)),
        }
    }

    fn mismatch_with(&self, expected: &str, found: &str) -> String {
        format!(
            "json: cannot unmarshal {found} into Go struct field {}.{} of type {expected}",
            self.structs.last().unwrap_or(&""),
            self.path.join(".")
        )
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What Go's `%T` says of a decoded value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn raw(value: &Value) -> String {
    go_json::to_string(value).unwrap_or_default()
}

/// The integer that `value` is. Kubo passes the file through floats, so `1e3` is one too.
fn integer(value: &Value) -> Option<i64> {
    let number: &Number = value.as_number()?;
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
        exact.then_some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn nothing_becomes_the_file_of_defaults() {
        let whole = normalize(&json!({})).unwrap();
        assert_eq!(whole["Import"]["CidVersion"], Value::Null);
        assert_eq!(whole["AutoNAT"], json!({}));
        assert_eq!(whole["Bootstrap"], Value::Null);
        assert_eq!(whole["Datastore"]["StorageGCWatermark"], json!(0));
        let keys: Vec<&String> = whole.as_object().unwrap().keys().collect();
        assert_eq!(keys[..3], ["Identity", "Datastore", "Addresses"]);
        assert_eq!(keys.len(), 29);
    }

    /// Each recorded from `ipfs config --json KEY VALUE` of Kubo 0.43.0.
    #[test]
    fn type_errors_in_go_words() {
        let at = |key: &str, value: Value| {
            let mut whole = value;
            for part in key.rsplit('.') {
                whole = json!({part: whole});
            }
            normalize(&whole).unwrap_err()
        };
        let unmarshal = "json: cannot unmarshal ";
        for (key, value, expected) in [
            (
                "Datastore.StorageGCWatermark",
                json!("abc"),
                "string into Go struct field Datastore.Datastore.StorageGCWatermark of type int64",
            ),
            (
                "Datastore.StorageGCWatermark",
                json!(12.5),
                "number 12.5 into Go struct field Datastore.Datastore.StorageGCWatermark of type int64",
            ),
            (
                "Import.CidVersion",
                json!({"a":1}),
                "object into Go struct field Import.Import.CidVersion of type int64",
            ),
            (
                "Import.CidVersion",
                json!(1.5),
                "number 1.5 into Go struct field Import.Import.CidVersion of type int64",
            ),
            (
                "Datastore",
                json!(5),
                "number into Go struct field Config.Datastore of type config.Datastore",
            ),
            (
                "Addresses.Swarm",
                json!(5),
                "number into Go struct field Addresses.Addresses.Swarm of type []string",
            ),
            (
                "Addresses.Swarm",
                json!([5]),
                "number into Go struct field Addresses.Addresses.Swarm of type string",
            ),
            (
                "Addresses.API",
                json!({"a":5}),
                "object into Go struct field Addresses.Addresses.API of type string",
            ),
            (
                "Swarm.ConnMgr.LowWater",
                json!("a"),
                "string into Go struct field ConnMgr.Swarm.ConnMgr.LowWater of type int64",
            ),
            (
                "Swarm.Transports.Security.TLS",
                json!("a"),
                "string into Go struct field .Swarm.Transports.Security.TLS of type int64",
            ),
            (
                "AutoNAT.ServiceMode",
                json!(5),
                "number into Go struct field AutoNATConfig.AutoNAT.ServiceMode of type config.AutoNATServiceMode",
            ),
            (
                "AutoNAT.Throttle",
                json!(5),
                "number into Go struct field AutoNATConfig.AutoNAT.Throttle of type config.AutoNATThrottleConfig",
            ),
            (
                "Peering.Peers",
                json!(5),
                "number into Go struct field Peering.Peering.Peers of type []peer.AddrInfo",
            ),
            (
                "Peering.Peers",
                json!([5]),
                "number into Go struct field Peering.Peering.Peers of type peer.addrInfoJson",
            ),
            (
                "Gateway.PublicGateways",
                json!({"a":5}),
                "number into Go struct field Gateway.Gateway.PublicGateways of type config.GatewaySpec",
            ),
            (
                "Gateway.PublicGateways",
                json!({"a":{"Paths":5}}),
                "number into Go struct field GatewaySpec.Gateway.PublicGateways.Paths of type []string",
            ),
            (
                "Gateway.HTTPHeaders",
                json!({"a":[5]}),
                "number into Go struct field Gateway.Gateway.HTTPHeaders of type string",
            ),
            (
                "API.Authorizations",
                json!({"a":{"AuthSecret":5}}),
                "number into Go struct field RPCAuthScope.API.Authorizations.AuthSecret of type string",
            ),
            (
                "Routing.Routers",
                json!({"a":5}),
                "number into Go struct field Routing.Routing.Routers of type config.Router",
            ),
            (
                "Routing.Routers",
                json!({"a":{"Type":5}}),
                "number into Go struct field Routing.Routing.Routers.Type of type config.RouterType",
            ),
            (
                "Routing.Methods",
                json!({"a":{"RouterName":5}}),
                "number into Go struct field Method.Routing.Methods.RouterName of type string",
            ),
            (
                "Datastore.Spec",
                json!(5),
                "number into Go struct field Datastore.Datastore.Spec of type map[string]interface {}",
            ),
        ] {
            assert_eq!(
                at(key, value),
                format!("{unmarshal}{expected}"),
                "for {key}"
            );
        }
        for (key, value, expected) in [
            (
                "Import.UnixFSRawLeaves",
                json!("xx"),
                "failed to unmarshal \"\\\"xx\\\"\" into a flag: must be null/undefined, true, or false",
            ),
            (
                "Swarm.ConnMgr.GracePeriod",
                json!(5),
                "time: missing unit in duration \"5\"",
            ),
            (
                "Swarm.Transports.Security.TLS",
                json!(true),
                "'true' is not a valid priority",
            ),
            (
                "Swarm.Transports.Security.TLS",
                json!(0),
                "priority must be positive: 0 <= 0",
            ),
            (
                "Swarm.ResourceMgr.MaxMemory",
                json!("zz"),
                "strconv.ParseFloat: parsing \"\": invalid syntax",
            ),
            (
                "Swarm.ResourceMgr.MaxMemory",
                json!(true),
                "unable to parse byte size, expected a size string (e.g., \"5GiB\") or a number, but got bool",
            ),
            (
                "AutoNAT.ServiceMode",
                json!("bla"),
                "unknown autonat mode: bla",
            ),
            (
                "Routing.Routers",
                json!({"a":{"Type":"parallel","Parameters":{"Routers":[{"Timeout":true}]}}}),
                "unable to parse duration, expected a duration string or a float, but got bool",
            ),
        ] {
            let message = at(key, value);
            let place = message.strip_prefix(expected).unwrap_or("");
            assert!(place.starts_with(&format!(" (in {key}")), "{message}");
        }
    }

    #[test]
    fn normalizing_twice_changes_nothing() {
        let once = normalize(&json!({
            "import": {"cidversion": 1, "UnixFSRawLeaves": true, "UnixFSHAMTDirectorySizeThreshold": 5},
            "Swarm": {"ConnMgr": {"GracePeriod": "90s"}, "Transports": {"Security": {"TLS": false}}},
            "Addresses": {"API": ["/ip4/127.0.0.1/tcp/1"], "Gateway": ["/a", "/b"]},
            "AutoNAT": {"Throttle": {"Interval": ""}},
            "Routing": {"Routers": {"b": {"Type": "http", "Parameters": {"Endpoint": "x"}}}},
        }))
        .unwrap();
        assert_eq!(once["Import"]["CidVersion"], json!(1));
        assert_eq!(once["Swarm"]["ConnMgr"]["GracePeriod"], json!("1m30s"));
        assert_eq!(once["Addresses"]["API"], json!("/ip4/127.0.0.1/tcp/1"));
        assert_eq!(normalize(&once).unwrap(), once);
    }

    /// JSON whose keys are mostly those of the schema, and whose values are of any type.
    fn documents() -> impl Strategy<Value = Value> {
        let keys = schema::CONFIG.fields.iter().flat_map(|section| {
            let inner = match &section.kind {
                Kind::Struct(of) => of.fields,
                _ => &[],
            };
            inner.iter().chain(std::iter::once(section)).map(|f| f.name)
        });
        let key = prop::sample::select(keys.collect::<Vec<_>>()).prop_map(str::to_owned);
        let texts = [
            "", "1h", "-5", "10GB", "auto", "enabled", "/a", "null", "http",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop::sample::select(texts.to_vec()).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, move |inner| {
            let key = prop_oneof![8 => key.clone(), 1 => ".{0,4}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..8)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_survived_and_settles(document in documents()) {
            if let Ok(once) = normalize(&document)
                && let Ok(twice) = normalize(&once)
            {
                prop_assert_eq!(twice, once);
            }
        }

        #[test]
        fn any_document_is_used_without_a_panic(document in documents(), key in "[a-zA-Z.*]{0,12}") {
            if let Ok(mut config) = crate::Config::from_value(document.clone()) {
                config.validate(&crate::config::StartOptions { daemon: true, online: true, ..Default::default() });
                config.show(true);
                let _ = config.get(&key);
                let _ = config.set(&key, document.clone());
                let _ = config.replaced(document.to_string().as_bytes());
                let _ = (config.import(), config.gateway(), config.datastore());
                let _ = (config.rpc_authorizations(), config.remote_pinning_services());
                for profile in crate::config::profiles() {
                    let _ = config.with_profile(profile.name, false);
                }
            }
        }
    }
}
