//! The file tree, pinned by a service as its policy says.

use std::time::Duration;

use basalt::Node;
use basalt::repo::InitOptions;
use basalt_testkit::{PinService, SERVICE_KEY};
use serde_json::json;

/// Waits until the service has exactly one pin, of the root of the tree as it is.
async fn pinned(node: &Node, service: &PinService, name: &str) {
    let root = node.files().unwrap().node("/").await.unwrap();
    let wanted = vec![(root.block.cid().to_string(), name.to_owned())];
    while service.pins() != wanted {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_tree_is_pinned_whenever_it_has_changed() {
    let service = PinService::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    Node::init(dir.path(), InitOptions::default(), |_: &str| {})
        .await
        .unwrap();
    let node = Node::builder().repo(dir.path()).open().await.unwrap();
    node.follow_mfs_policies(Duration::from_millis(5));
    // The services are read anew each time.
    let endpoint = format!("http://{}", service.address());
    let repo = node.require_repo().unwrap();
    let mut config = serde_json::Value::Object(repo.config().document().clone());
    config["Pinning"]["RemoteServices"] = json!({
        "off": {"API": {"Endpoint": endpoint, "Key": SERVICE_KEY}},
        "gone": {
            "API": {"Endpoint": "http://127.0.0.1:1", "Key": ""},
            "Policies": {"MFS": {"Enable": true}},
        },
        "on": {
            "API": {"Endpoint": endpoint, "Key": SERVICE_KEY},
            "Policies": {"MFS": {"Enable": true, "PinName": "tree", "RepinInterval": "1ms"}},
        },
    });
    std::fs::write(repo.config_path(), config.to_string()).unwrap();
    pinned(&node, &service, "tree").await;
    for directory in ["/a", "/b"] {
        let files = node.files().unwrap();
        files.mkdir(directory, Default::default()).await.unwrap();
        pinned(&node, &service, "tree").await;
    }
    node.close().await;
}
