//! `Routing.Routers` and `Routing.Methods`, and what is wrong with them in Kubo's words.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use basalt_delegated::{Client, Endpoint};
use basalt_repo::{Config, GoDuration};
use basalt_routing::Scope;
use serde_json::{Map, Value};

use super::router::{Branch, Http, Router};
use super::{Custom, Part};
use crate::route::delegated::filters;

/// The kinds of work, in the order in which they are missed.
const METHODS: [&str; 5] = [
    "provide",
    "find-peers",
    "find-providers",
    "get-ipns",
    "put-ipns",
];
/// Keys of one announcement over HTTP, unless the config says so.
const BATCH: usize = 100;
/// Announcements over HTTP side by side, unless the config says so.
const SIDE_BY_SIDE: usize = 4;

impl Custom {
    /// Puts together what the config says.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(in crate::route) fn of(config: &Config, agent: &str) -> Result<Self, String> {
        let object = |key: &str| config.at(key).and_then(Value::as_object).cloned();
        let routers = object("Routing.Routers").unwrap_or_default();
        let methods = object("Routing.Methods").unwrap_or_default();
        let filters = filters(config);
        let client = |endpoint| Client::new(endpoint, agent).filter(filters.clone());
        Self::read(routers, &methods, &client)
    }

    fn read(
        routers: Map<String, Value>,
        methods: &Map<String, Value>,
        client: &dyn Fn(Endpoint) -> Client,
    ) -> Result<Self, String> {
        if let Some(missing) = METHODS.iter().find(|m| !methods.contains_key(**m)) {
            return Err(format!(
                "method name {missing:?} is missing from Routing.Methods config param"
            ));
        }
        if let Some(other) = methods.keys().find(|m| !METHODS.contains(&m.as_str())) {
            return Err(format!(
                "method name {other:?} is not a supported method on Routing.Methods config param"
            ));
        }
        let mut reader = Reader {
            routers,
            made: HashMap::new(),
            parts: [Part::None; 2],
            accelerated: false,
            client,
        };
        let mut router = |method: &str| reader.read(text(&methods[method], "RouterName"));
        let [provide, find_peers, find_providers, get_names, put_names] = [
            router(METHODS[0])?,
            router(METHODS[1])?,
            router(METHODS[2])?,
            router(METHODS[3])?,
            router(METHODS[4])?,
        ];
        Ok(Self {
            provide,
            find_peers,
            find_providers,
            get_names,
            put_names,
            parts: reader.parts,
            accelerated: reader.accelerated,
        })
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn count(value: &Value, key: &str, default: usize) -> usize {
    let set = value.get(key).and_then(Value::as_u64).unwrap_or(0);
    match usize::try_from(set) {
        Ok(0) | Err(_) => default,
        Ok(set) => set,
    }
}

fn duration(value: &Value, key: &str) -> Option<Duration> {
    let parsed: GoDuration = text(value, key).parse().ok()?;
    parsed.to_std().filter(|time| !time.is_zero())
}

struct Reader<'a> {
    routers: Map<String, Value>,
    made: HashMap<String, Arc<Router>>,
    parts: [Part; 2],
    accelerated: bool,
    client: &'a dyn Fn(Endpoint) -> Client,
}

impl Reader<'_> {
    fn read(&mut self, name: &str) -> Result<Arc<Router>, String> {
        self.read_below(name, &mut HashSet::new())
    }

    /// Reads a router and those below it. A name that was seen on the way, and is not made yet, leads
    /// back to itself; so this ends.
    fn read_below(
        &mut self,
        name: &str,
        seen: &mut HashSet<String>,
    ) -> Result<Arc<Router>, String> {
        if let Some(made) = self.made.get(name) {
            return Ok(made.clone());
        }
        if !seen.insert(name.to_owned()) {
            return Err(format!(
                "dependency loop creating router with name {name:?}"
            ));
        }
        let Some(spec) = self.routers.get(name).cloned() else {
            return Err(format!("config for router with name {name:?} not found"));
        };
        let params = spec.get("Parameters").unwrap_or(&Value::Null);
        let router = match text(&spec, "Type") {
            "http" => self.http(params)?,
            "dht" => self.dht(params)?,
            "parallel" => Router::Parallel(self.branches(params, seen)?),
            "sequential" => Router::Sequential(self.branches(params, seen)?),
            other => return Err(format!("unknown router type {other:?}")),
        };
        let router = Arc::new(router);
        self.made.insert(name.to_owned(), router.clone());
        Ok(router)
    }

    fn http(&self, params: &Value) -> Result<Router, String> {
        let url = text(params, "Endpoint");
        if url.is_empty() {
            return Err(
                "configuration param 'Endpoint' is needed for http delegated routing types"
                    .to_owned(),
            );
        }
        let endpoint = Endpoint::parse(url).map_err(|e| e.to_string())?;
        if !endpoint.is_plain() {
            return Err("only /routing/v1 URLs are supported".to_owned());
        }
        Ok(Router::Http(Box::new(Http {
            client: (self.client)(endpoint),
            batch: count(params, "MaxProvideBatchSize", BATCH),
            side_by_side: count(params, "MaxProvideConcurrency", SIDE_BY_SIDE),
        })))
    }

    fn dht(&mut self, params: &Value) -> Result<Router, String> {
        if flag(params, "AcceleratedDHTClient") {
            self.accelerated = true;
            self.parts[0].join(Part::Client);
            return Ok(Router::Dht(Scope::Wan));
        }
        let part = match text(params, "Mode") {
            "auto" => Part::Auto,
            "client" => Part::Client,
            "server" => Part::Server,
            other => return Err(format!("invalid DHT mode: {other:?}")),
        };
        let (place, scope) = match flag(params, "PublicIPNetwork") {
            true => (0, Scope::Wan),
            false => (1, Scope::Lan),
        };
        self.parts[place].join(part);
        Ok(Router::Dht(scope))
    }

    fn branches(
        &mut self,
        params: &Value,
        seen: &mut HashSet<String>,
    ) -> Result<Vec<Branch>, String> {
        let listed = params.get("Routers").and_then(Value::as_array);
        let mut branches = Vec::new();
        for spec in listed.into_iter().flatten() {
            branches.push(Branch {
                router: self.read_below(text(spec, "RouterName"), seen)?,
                timeout: duration(spec, "Timeout"),
                after: duration(spec, "ExecuteAfter"),
                ignores_errors: flag(spec, "IgnoreErrors"),
            });
        }
        Ok(branches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn custom(routers: Value, find: &str) -> Result<Custom, String> {
        let mut methods = Map::new();
        for method in METHODS {
            methods.insert(method.to_owned(), json!({"RouterName": find}));
        }
        let routers = routers.as_object().cloned().unwrap_or_default();
        Custom::read(routers, &methods, &|endpoint| Client::new(endpoint, "test"))
    }

    fn wrong(routers: Value) -> String {
        custom(routers, "a").unwrap_err()
    }

    #[test]
    fn routers_are_put_together() {
        let made = custom(
            json!({
                "a": {"Type": "parallel", "Parameters": {"Routers": [
                    {"RouterName": "b", "IgnoreErrors": true, "Timeout": "3s", "ExecuteAfter": "100ms"},
                    {"RouterName": "c", "Timeout": "0s"},
                ]}},
                "b": {"Type": "http", "Parameters": {"Endpoint": "http://127.0.0.1:1"}},
                "c": {"Type": "sequential", "Parameters": {"Routers": [
                    {"RouterName": "d"}, {"RouterName": "e"}, {"RouterName": "b"},
                ]}},
                "d": {"Type": "dht", "Parameters": {"Mode": "auto", "PublicIPNetwork": true}},
                "e": {"Type": "dht", "Parameters": {"Mode": "client"}},
                "unused": {"Type": "dht", "Parameters": {"Mode": "server"}},
            }),
            "a",
        )
        .unwrap();
        assert_eq!(made.parts, [Part::Auto, Part::Client]);
        assert!(!made.accelerated);
        let Router::Parallel(branches) = &*made.find_peers else {
            panic!("{made:?}")
        };
        assert_eq!(branches[0].timeout, Some(Duration::from_secs(3)));
        assert_eq!(branches[0].after, Some(Duration::from_millis(100)));
        assert!(branches[0].ignores_errors && !branches[1].ignores_errors);
        assert_eq!(branches[1].timeout, None);
        // What has one name is one router.
        assert!(Arc::ptr_eq(&made.find_peers, &made.provide));
        let fast = json!({"a": {"Type": "dht", "Parameters": {"AcceleratedDHTClient": true}}});
        let fast = custom(fast, "a").unwrap();
        assert!(fast.accelerated && fast.parts == [Part::Client, Part::None]);
    }

    #[test]
    fn what_is_wrong_is_said_in_kubo_s_words() {
        assert_eq!(
            wrong(json!({})),
            "config for router with name \"a\" not found"
        );
        assert_eq!(
            wrong(json!({"a": {"Type": "http", "Parameters": {}}})),
            "configuration param 'Endpoint' is needed for http delegated routing types"
        );
        assert_eq!(
            wrong(json!({"a": {"Type": "http", "Parameters": {"Endpoint": "http://a/b"}}})),
            "only /routing/v1 URLs are supported"
        );
        assert_eq!(
            wrong(json!({"a": {"Type": "dht", "Parameters": {}}})),
            "invalid DHT mode: \"\""
        );
        assert_eq!(
            wrong(json!({"a": {"Type": "bogus", "Parameters": {}}})),
            "unknown router type \"bogus\""
        );
        let branch = |name: &str| json!({"Routers": [{"RouterName": name}]});
        assert_eq!(
            wrong(json!({
                "a": {"Type": "parallel", "Parameters": branch("b")},
                "b": {"Type": "sequential", "Parameters": branch("a")},
            })),
            "dependency loop creating router with name \"a\""
        );
        let none = Custom::read(Map::new(), &Map::new(), &|endpoint| {
            Client::new(endpoint, "test")
        });
        assert_eq!(
            none.unwrap_err(),
            "method name \"provide\" is missing from Routing.Methods config param"
        );
        let mut methods = Map::new();
        for method in METHODS.iter().chain(&["bogus"]) {
            methods.insert((*method).to_owned(), json!({"RouterName": "a"}));
        }
        let bogus = Custom::read(Map::new(), &methods, &|endpoint| {
            Client::new(endpoint, "test")
        });
        assert_eq!(
            bogus.unwrap_err(),
            "method name \"bogus\" is not a supported method on Routing.Methods config param"
        );
    }
}
