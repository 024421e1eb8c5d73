use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;

fn init(dir: &Path, options: &InitOptions) -> (Result<Repo, Error>, String) {
    let mut said = String::new();
    let repo = Repo::init(dir, options, &mut |text| said.push_str(text));
    (repo, said)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_repo_has_what_belongs_to_it() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("repo");
    let (repo, said) = init(&dir, &InitOptions::default());
    let repo = repo.unwrap();
    let id = repo.config().string("Identity.PeerID").unwrap().to_owned();
    let path = dir.display();
    assert_eq!(
        said,
        format!(
            "generating ED25519 keypair...done\npeer identity: {id}\ninitializing IPFS node at {path}\n"
        )
    );
    assert_eq!(
        names(&dir),
        [
            "basalt",
            "config",
            "datastore_spec",
            "keystore",
            "repo.lock",
            "version"
        ]
    );
    assert_eq!(names(&dir.join("basalt")), ["format"]);
    assert_eq!(fs::read_to_string(dir.join("version")).unwrap(), "18\n");
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("config"), 0o600);
    assert_eq!(mode("keystore"), 0o700);
    assert_eq!(layout::detect(&dir), RepoKind::Basalt);

    let (again, _) = init(&dir, &InitOptions::default());
    assert_eq!(
        again.unwrap_err().to_string(),
        "ipfs configuration file already exists!\nReinitializing would overwrite your keys\n"
    );
    drop(repo);
    let repo = Repo::open(&dir, None).unwrap();
    assert_eq!(repo.config().string("Identity.PeerID"), Some(id.as_str()));
}

#[test]
fn what_is_not_committed_is_not_there() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("repo");
    let new = NewRepo::prepare(&dir, &InitOptions::default(), &mut |_| {}).unwrap();
    fs::write(new.data_dir().join("db"), "x").unwrap();
    drop(new);
    assert!(!dir.exists());

    // As a crash leaves it: the destructor does not run.
    let mut new = NewRepo::prepare(&dir, &InitOptions::default(), &mut |_| {}).unwrap();
    fs::write(new.data_dir().join("db"), "x").unwrap();
    drop(new.lock.take());
    std::mem::forget(new);
    assert!(matches!(Repo::open(&dir, None), Err(Error::NoRepo(_))));
    init(&dir, &InitOptions::default()).0.unwrap();
    assert_eq!(names(&dir.join("basalt")), ["format"]);
}

#[test]
fn data_without_a_config_is_kept() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("repo");
    drop(init(&dir, &InitOptions::default()).0.unwrap());
    fs::write(dir.join("basalt/db"), "x").unwrap();
    fs::remove_file(dir.join("config")).unwrap();
    let (again, _) = init(&dir, &InitOptions::default());
    assert!(matches!(again, Err(Error::DataWithoutConfig(_))));
    assert!(matches!(
        Repo::open(&dir, None),
        Err(Error::DataWithoutConfig(_))
    ));
    assert!(dir.join("basalt/db").exists());
}

#[test]
fn what_lay_there_stays() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("swarm.key"), "key").unwrap();
    drop(NewRepo::prepare(dir, &InitOptions::default(), &mut |_| {}).unwrap());
    assert_eq!(names(dir), ["swarm.key"]);
    let repo = init(dir, &InitOptions::default()).0.unwrap();
    assert_eq!(repo.swarm_key().unwrap().unwrap(), b"key");
}

#[test]
fn a_repo_of_kubo_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("blocks")).unwrap();
    let (repo, _) = init(dir, &InitOptions::default());
    let text = repo.unwrap_err().to_string();
    assert!(text.starts_with("found a Kubo repo in "), "{text}");
    assert!(
        text.contains("flatfs blocks/") && text.contains("import-kubo"),
        "{text}"
    );
    assert_eq!(names(dir), ["blocks"]);
    fs::write(dir.join("config"), "{}").unwrap();
    fs::write(dir.join("version"), "18\n").unwrap();
    assert!(matches!(
        init(dir, &InitOptions::default()).0,
        Err(Error::AlreadyInitialized)
    ));
    assert!(matches!(Repo::open(dir, None), Err(Error::KuboRepo { .. })));
    assert_eq!(names(dir), ["blocks", "config", "version"]);
}

#[test]
fn refusals() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("repo");
    let with = |options: InitOptions| init(&dir, &options).0.unwrap_err().to_string();
    let profile = |profiles: &str| InitOptions {
        profiles: profiles.to_owned(),
        ..InitOptions::default()
    };
    assert_eq!(with(profile("foo")), "invalid configuration profile: foo");
    let given = |text: &str| InitOptions {
        config: Some(text.as_bytes().to_owned()),
        ..InitOptions::default()
    };
    assert_eq!(with(given("")), "EOF");
    assert_eq!(
        with(given("{x")),
        "invalid character 'x' looking for beginning of object key string"
    );
    assert_eq!(
        with(given("{\"Datastore\":{\"Spec\":{}}}")),
        "identity was not set in config (was 'ipfs init' run?)"
    );
    assert!(!dir.exists());
    let deep = parent.path().join("a/b");
    let text = init(&deep, &InitOptions::default())
        .0
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        format!("mkdir {}: no such file or directory", deep.display())
    );
    let options = InitOptions {
        bits: Some(2048),
        ..InitOptions::default()
    };
    assert_eq!(
        with(options),
        "invalid key size 2048: ed25519 keys are always 256 bits"
    );
}

#[test]
fn profiles_and_a_given_config() {
    let parent = tempfile::tempdir().unwrap();
    let options = InitOptions {
        profiles: "pebbleds,test".to_owned(),
        ..InitOptions::default()
    };
    let new = NewRepo::prepare(&parent.path().join("a"), &options, &mut |_| {}).unwrap();
    assert_eq!(new.notes().len(), 1);
    assert!(new.notes()[0].contains("RocksDB"));
    let first = new.commit().unwrap();
    assert_eq!(
        first.config().document()["Datastore"]["Spec"]["type"],
        json!("pebbleds")
    );
    assert_eq!(first.config().document()["DNS"]["Resolvers"], json!({}));

    let options = InitOptions {
        config: Some(first.config().to_text().into_bytes()),
        ..InitOptions::default()
    };
    let (second, said) = init(&parent.path().join("b"), &options);
    assert_eq!(*second.unwrap().config(), *first.config());
    assert!(said.starts_with("initializing IPFS node at "), "{said}");
}
