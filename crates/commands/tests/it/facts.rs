//! `commands`, completion, `diag` and `log`.

use std::sync::Arc;

use basalt_commands::table::{self, Place};
use basalt_commands::{Frame, Globals, Meta, OptionSet, Parsed, Request};
use serde_json::Value;

use crate::ask::{process, refused, told};

#[tokio::test]
async fn every_command_is_listed() {
    let ctx = process().await;
    let listed = told(&ctx, "commands?encoding=text").await;
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines.is_sorted());
    for spec in table::COMMANDS.iter().map(|entry| entry.spec()) {
        let line = format!("ipfs {}", spec.path.replace('/', " "));
        assert!(lines.contains(&line.as_str()), "{line}");
    }
    let flags = told(&ctx, "commands?encoding=text&flags").await;
    assert!(flags.contains("\nipfs pin ls --quiet / ipfs pin ls -q\n"));
    assert!(!flags.contains("\nipfs --"));
}

#[tokio::test]
async fn scripts_complete_every_command() {
    for shell in ["bash", "fish", "zsh"] {
        let Some(Place::Command(entry)) = table::find(&format!("commands/completion/{shell}"))
        else {
            panic!("no completion for {shell}");
        };
        let parsed = Parsed::default();
        let meta = Arc::new(Meta {
            args: vec![],
            globals: Globals::read(&parsed),
            waits: basalt::Waits::default(),
            parsed,
        });
        let mut reply = entry.call(
            process().await,
            Request {
                entry,
                meta,
                files: None,
            },
        );
        let mut script = String::new();
        while let Some(frame) = reply.next().await.unwrap() {
            if let Frame::Bytes(bytes) = frame {
                script.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        }
        for spec in table::COMMANDS.iter().map(|entry| entry.spec()) {
            assert!(
                script.contains(&spec.path.replace('/', " ")),
                "{shell}: {}",
                spec.path
            );
        }
        assert!(script.contains("expand-auto"), "{shell}");
    }
}

#[tokio::test]
async fn requests_are_shown_until_they_are_cleared() {
    let ctx = process().await;
    let options = serde_json::json!({"quiet": true, "type": "all"});
    let ended = ctx.request_began(
        "pin/ls".to_owned(),
        vec!["a".to_owned()],
        options,
        basalt::Waits::default(),
    );
    ctx.request_ended(ended);
    ctx.request_began(
        "log/tail".to_owned(),
        vec![],
        Value::Null,
        basalt::Waits::default(),
    );
    let rows: Value = serde_json::from_str(&told(&ctx, "diag/cmds").await).unwrap();
    assert_eq!(rows[0]["Command"], "pin/ls");
    assert_eq!(rows[0]["Active"], false);
    assert_eq!(rows[1]["EndTime"], "0001-01-01T00:00:00Z");
    let text = told(&ctx, "diag/cmds?encoding=text&verbose").await;
    assert!(
        text.starts_with("ID  Command   Arguments  Options                 Active  StartTime"),
        "{text}"
    );
    assert!(
        text.contains("0   pin/ls    [a]        [quiet=true,type=all,]  false   "),
        "{text}"
    );
    told(&ctx, "diag/cmds/clear").await;
    assert!(!told(&ctx, "diag/cmds").await.contains("pin/ls"));
    let (_, error) = refused(&ctx, "diag/cmds/set-time?arg=xx").await;
    assert_eq!(error, "time: invalid duration \"xx\"");
    told(&ctx, "diag/cmds/set-time?arg=0s").await;
    let id = ctx.request_began(
        "id".to_owned(),
        vec![],
        Value::Null,
        basalt::Waits::default(),
    );
    ctx.request_ended(id);
    assert!(!told(&ctx, "diag/cmds").await.contains("\"id\""));
}

#[tokio::test]
async fn a_node_that_ends_is_not_healthy() {
    let ctx = process().await;
    assert_eq!(told(&ctx, "diag/healthy").await, "\"ok\"\n");
    ctx.shutdown();
    let (_, error) = refused(&ctx, "diag/healthy").await;
    assert_eq!(error, "daemon is shutting down (started 0s ago)");
}

#[tokio::test]
async fn a_profile_refuses_what_it_does_not_know() {
    let ctx = process().await;
    for (query, error) in [
        (
            "profile-time=xx",
            "failed to parse profile duration \"xx\": time: invalid duration \"xx\"",
        ),
        (
            "block-profile-rate=1",
            "failed to parse block profile rate \"1\": time: missing unit in duration \"1\"",
        ),
        ("collectors=version,foo", "unknown collector 'foo'"),
    ] {
        assert_eq!(
            refused(&ctx, &format!("diag/profile?{query}")).await,
            (String::new(), error.to_owned())
        );
    }
}

/// The levels are the process's: one test looks at them.
#[tokio::test]
async fn levels_are_set_by_subsystem() {
    let ctx = process().await;
    let level = |query: &'static str| {
        let ctx = ctx.clone();
        async move { told(&ctx, &format!("log/level?encoding=text{query}")).await }
    };
    assert_eq!(level("").await, "error\n");
    assert_eq!(
        level("&arg=pin&arg=debug").await,
        "Changed log level of 'pin' to 'debug'\n"
    );
    assert_eq!(level("&arg=pin").await, "debug\n");
    assert_eq!(level("").await, "error\n");
    assert_eq!(
        told(&ctx, "log/level").await,
        "{\"Levels\":{\"\":\"error\"}}\n"
    );
    assert_eq!(
        level("&arg=all&arg=warn").await,
        "Changed log level of '*' to 'warn'\n"
    );
    assert_eq!(level("&arg=pin").await, "warn\n");
    assert_eq!(
        level("&arg=pin&arg=INFO").await,
        "Changed log level of 'pin' to 'INFO'\n"
    );
    assert_eq!(
        level("&arg=pin&arg=default").await,
        "Changed log level of 'pin' to 'warn'\n"
    );
    let all = level("&arg=*").await;
    assert!(
        all.starts_with("(default): warn\n") && all.contains("\npin: warn\n"),
        "{all}"
    );
    for (query, error) in [
        ("arg=unheard-of", "error: No such logger"),
        ("arg=pin&arg=loud", "unrecognized level: \"loud\""),
    ] {
        assert_eq!(refused(&ctx, &format!("log/level?{query}")).await.1, error);
    }
    let (_, error) = refused(&ctx, "log/tail?log-level=loud").await;
    assert_eq!(
        error,
        "setting log level loud: unrecognized level: \"loud\""
    );
    assert!(
        told(&ctx, "log/ls?encoding=text")
            .await
            .lines()
            .any(|line| line == "bitswap")
    );
}
