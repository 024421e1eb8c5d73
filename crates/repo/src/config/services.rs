//! `ipfs pin remote service`: the pinning services in the config.

use serde_json::{Map, Value, json};

use super::{Config, document};
use crate::Error;

const SERVICES: &str = "Pinning.RemoteServices";

impl Config {
    /// The config with one more pinning service.
    ///
    /// # Errors
    ///
    /// [`Error::ServiceExists`] when there is one of this name.
    pub fn with_pinning_service(
        &self,
        name: &str,
        endpoint: &str,
        key: &str,
    ) -> Result<Config, Error> {
        let mut services = self.services();
        if services.contains_key(name) {
            return Err(Error::ServiceExists);
        }
        let service = json!({
            "API": {"Endpoint": endpoint, "Key": key},
            "Policies": {"MFS": {"Enable": false, "PinName": "", "RepinInterval": ""}},
        });
        services.insert(name.to_owned(), service);
        self.with_services(services)
    }

    /// The config without a pinning service; as it is, where there is none of this name.
    ///
    /// # Errors
    ///
    /// When the config is not one without it.
    pub fn without_pinning_service(&self, name: &str) -> Result<Config, Error> {
        let mut services = self.services();
        services.shift_remove(name);
        self.with_services(services)
    }

    fn services(&self) -> Map<String, Value> {
        document::get(&self.document, SERVICES)
            .ok()
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    }

    /// A name may contain dots: the services are put in their place as a whole.
    fn with_services(&self, services: Map<String, Value>) -> Result<Config, Error> {
        let mut document = self.document.clone();
        document::set(&mut document, SERVICES, Value::Object(services))?;
        Self::from_value(Value::Object(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_come_and_go() {
        let config = Config::parse(b"{\"Own\": 1}").unwrap();
        let one = config.with_pinning_service("a.b", "http://e", "k").unwrap();
        let service = &one.remote_pinning_services()["a.b"];
        assert_eq!((&*service.endpoint, &*service.key), ("http://e", "k"));
        assert!(!service.mfs_enable);
        let again = one.with_pinning_service("a.b", "http://e", "k");
        assert!(matches!(again, Err(Error::ServiceExists)));
        let two = one.with_pinning_service("c", "http://e", "k").unwrap();
        let left = two.without_pinning_service("a.b").unwrap();
        assert!(left.remote_pinning_services().keys().eq(["c"]));
        assert_eq!(left.without_pinning_service("none").unwrap(), left);
        assert_eq!(left.document()["Own"], 1);
    }
}
