//! The table against Kubo's own, which `testdata/kubo/commands.json` holds: every command of ours
//! name by name, type by type, default by default.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use basalt_commands::table::{COMMANDS, GROUPS, Place, find};
use basalt_commands::{Arg, Globals, Opt, OptionSet, Status};
use serde_json::{Value, json};

/// Commands that Kubo's table does not have: its program adds two, the others are our own.
const BEYOND: &[&str] = &["daemon", "diag/retrieval", "init", "repo/import-kubo"];

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/kubo")
        .join(name)
}

fn kubo() -> Value {
    let text = std::fs::read_to_string(testdata("commands.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn kubo_commands() -> BTreeMap<String, Value> {
    let all = kubo()["commands"].as_array().unwrap().clone();
    all.into_iter()
        .map(|c| (c["path"].as_str().unwrap().to_owned(), c))
        .collect()
}

fn our_paths() -> BTreeSet<&'static str> {
    let commands = COMMANDS.iter().map(|entry| entry.spec().path);
    commands
        .chain(GROUPS.iter().map(|group| group.path))
        .collect()
}

/// Options in the form of Kubo's table; a default as it would be typed.
fn options(options: &[Opt]) -> Vec<Value> {
    let shown = options
        .iter()
        .map(|opt| json!({"names": opt.names, "type": opt.kind.name(), "default": opt.default}));
    shown.collect()
}

fn kubo_options(options: &Value) -> Vec<Value> {
    let typed = |default: &Value| match default {
        Value::Null => Value::Null,
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(",")
            .into(),
        other => other.to_string().into(),
    };
    let all = options.as_array().into_iter().flatten().map(|opt| {
        json!({"names": opt["names"], "type": opt["type"], "default": typed(&opt["default"])})
    });
    all.collect()
}

fn arguments(args: &[Arg]) -> Vec<Value> {
    let shown = args.iter().map(|arg| {
        json!({
            "name": arg.name,
            "type": if arg.file { "file" } else { "string" },
            "required": arg.required,
            "variadic": arg.variadic,
            "stdin": arg.stdin,
            "recursive": arg.recursive,
        })
    });
    shown.collect()
}

fn kubo_arguments(args: &Value) -> Vec<Value> {
    let all = args.as_array().into_iter().flatten().map(|arg| {
        let mut arg = arg.clone();
        if arg["recursive"].is_null() {
            arg["recursive"] = json!(false);
        }
        arg
    });
    all.collect()
}

fn status(status: Status) -> Value {
    match status {
        Status::Active => Value::Null,
        Status::Experimental => json!("experimental"),
        Status::Deprecated => json!("deprecated"),
        Status::Removed => json!("removed"),
    }
}

#[test]
fn every_command_is_as_in_kubo() {
    let theirs = kubo_commands();
    let mut wrong = Vec::new();
    for path in our_paths() {
        let Some(kubo) = theirs.get(path) else {
            if !BEYOND.contains(&path) {
                wrong.push(format!("{path}: Kubo has no such command"));
            }
            continue;
        };
        let place = find(path).unwrap();
        let about = place.about();
        let mut differs = |what: &str, ours: Value, theirs: Value| {
            if ours != theirs {
                wrong.push(format!(
                    "{path}: {what}\n    ours {ours}\n    Kubo {theirs}"
                ));
            }
        };
        let set = |value: &Value| json!(value.as_bool().unwrap_or(false));
        let runs = matches!(place, Place::Command(_));
        differs("runs", json!(runs), set(&kubo["runs"]));
        differs("status", status(about.status), kubo["status"].clone());
        let ours = options(place.options());
        differs(
            "options",
            json!(ours),
            json!(kubo_options(&kubo["options"])),
        );
        let Place::Command(entry) = place else {
            continue;
        };
        let args = arguments(entry.spec().args);
        differs(
            "arguments",
            json!(args),
            json!(kubo_arguments(&kubo["arguments"])),
        );
        differs(
            "command line only",
            json!(!about.rpc),
            set(&kubo["cli_only"]),
        );
        differs(
            "needs a daemon",
            json!(!about.local),
            set(&kubo["needs_daemon"]),
        );
        // Some of Kubo's commands write their text on the command line alone, without an encoder.
        let encoders = kubo["encoders"].as_array().cloned().unwrap_or_default();
        if encoders.contains(&json!("text")) {
            differs("has text", json!(about.text_form), json!(true));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn options_of_every_command_are_as_in_kubo() {
    assert_eq!(
        options(Globals::SPEC),
        kubo_options(&kubo()["global_options"])
    );
}

/// What Kubo has and we lack is in `not-yet.txt`. With `BASALT_UPDATE` set the file is written.
#[test]
fn what_is_missing_is_known() {
    let ours = our_paths();
    let missing: Vec<_> = kubo_commands()
        .into_keys()
        .filter(|p| !ours.contains(p.as_str()))
        .collect();
    let text: String = missing.iter().map(|path| format!("{path}\n")).collect();
    let file = testdata("not-yet.txt");
    if std::env::var_os("BASALT_UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(known, text, "run this test with BASALT_UPDATE=1");
}
