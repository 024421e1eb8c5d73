//! Runs the steps of a case.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use crate::case::{Case, Group, Mode};
use crate::daemon::{Daemon, Started};
use crate::http::{self, Request};
use crate::mask::Places;
use crate::peer::{PEER, Peer};
use crate::pin_service::PinService;
use crate::runner::Prepared;
use crate::side::{self, Place, Side};
use crate::step::{Kind, Part, Step};
use crate::vars::substitute;
use crate::{answer, cli, disk, fixtures};

/// The answers of runs by their names: for each step, its lines.
pub(crate) type Answers = BTreeMap<String, Vec<Vec<String>>>;

/// What Kubo's command line answers to a command that it runs itself, daemon or not: there is nothing
/// of the daemon to be seen then.
const NOT_FOR_DAEMONS: &str = "api flag specified but command cannot be run on the daemon";

/// The name under which the answers of a group's `prepare` steps go.
pub(crate) fn prepare_id(group: &Group) -> String {
    format!("{}: (prepare) [offline]", group.name)
}

/// Runs a group's `prepare` steps.
pub(crate) fn prepare(side: &Side, group: &Group) -> Result<Prepared> {
    let place = side.place(Some(&side.template()))?;
    let mut run = Run::new(side, &place, None, group.vars.clone());
    let answers = run.steps(&group.prepare)?;
    let vars = run.vars.clone();
    drop(run);
    let answers = match answers.is_empty() {
        true => Answers::new(),
        false => Answers::from([(prepare_id(group), answers)]),
    };
    Ok(Prepared {
        place,
        vars,
        answers,
    })
}

/// Runs `cases`, in daemon mode all of them on one daemon.
pub(crate) fn unit(
    side: &Side,
    group: &Group,
    mode: Mode,
    cases: &[&Case],
    prepared: &Prepared,
) -> Result<Answers> {
    let mut answers = Answers::new();
    let shared = match mode {
        Mode::Offline => None,
        Mode::Daemon => {
            let place = side.place(Some(&prepared.place.repo))?;
            for case in cases.iter().filter(|case| case.fresh) {
                side::configure(&place.repo, &case.config)?;
            }
            if group.online {
                let listen = json!(["/ip4/127.0.0.1/tcp/0"]);
                let settings = [("Addresses.Swarm".to_owned(), listen)].into();
                side::configure(&place.repo, &settings)?;
            }
            let daemon = side.daemon(&place, group.online)?;
            Some((place, daemon))
        }
    };
    let peer = match shared.is_some() && group.online {
        true => Some(Peer::start(side)?),
        false => None,
    };
    for case in cases {
        let repo = (shared.is_none() && !case.bare).then_some(prepared.place.repo.as_path());
        let mut place = side.place(repo)?;
        let own_repo = place.repo.clone();
        if let Some((shared, _)) = &shared {
            place.repo = shared.repo.clone();
            if case.fresh {
                // Files beside the repo, as when there is no daemon.
                place.work = shared.work.clone();
            }
        } else if !case.bare {
            side::configure(&own_repo, &case.config)?;
        }
        for (name, text) in &case.files {
            fixtures::write(&place.work.join(name), &fixtures::bytes(text)?)?;
        }
        let daemon = shared.as_ref().map(|(_, daemon)| daemon);
        let mut vars = prepared.vars.clone();
        if let Some(peer) = &peer {
            vars.insert("peer".to_owned(), PEER.to_owned());
            vars.insert("peer_port".to_owned(), peer.port.to_string());
        }
        let mut run = Run::new(side, &place, daemon, vars);
        let steps = run.steps(&case.steps)?;
        answers.insert(group.id(case, mode), steps);
    }
    if let Some((_place, daemon)) = shared {
        daemon.stop()?;
    }
    if let Some(peer) = peer {
        peer.stop()?;
    }
    Ok(answers)
}

/// A case while it runs.
struct Run<'a> {
    side: &'a Side,
    place: &'a Place,
    shared: Option<&'a Daemon>,
    own: Option<Daemon>,
    pin_service: Option<PinService>,
    vars: BTreeMap<String, String>,
}

impl<'a> Run<'a> {
    fn new(
        side: &'a Side,
        place: &'a Place,
        shared: Option<&'a Daemon>,
        mut vars: BTreeMap<String, String>,
    ) -> Self {
        vars.insert("work".to_owned(), place.work.display().to_string());
        vars.insert("repo".to_owned(), place.repo.display().to_string());
        let mut run = Self {
            side,
            place,
            shared,
            own: None,
            pin_service: None,
            vars,
        };
        run.set_ports();
        run
    }

    fn daemon(&self) -> Option<&Daemon> {
        self.own.as_ref().or(self.shared)
    }

    fn set_ports(&mut self) {
        let ports = self.daemon().map(|daemon| (daemon.api, daemon.gateway));
        let (api, gateway) = ports.unwrap_or_default();
        for (name, port) in [("api", api), ("gateway", gateway)] {
            let port = port.map(|port| port.to_string());
            self.vars.insert(name.to_owned(), port.unwrap_or_default());
        }
    }

    fn places(&self) -> Places {
        let mut words = self.side.words(self.place);
        for name in ["api", "gateway", "peer_port"] {
            if let Some(port) = self.vars.get(name).filter(|port| !port.is_empty()) {
                words.push((format!("/tcp/{port}"), format!("/tcp/{{{name}}}")));
                words.push((format!(":{port}"), format!(":{{{name}}}")));
            }
        }
        if let Some(service) = &self.pin_service {
            words.push((service.address(), "{service}".to_owned()));
        }
        Places(words)
    }

    fn steps(&mut self, steps: &[Step]) -> Result<Vec<Vec<String>>> {
        if steps.iter().any(|step| step.line.contains("{service}")) {
            let service = PinService::start()?;
            self.vars.insert("service".to_owned(), service.address());
            self.pin_service = Some(service);
        }
        steps
            .iter()
            .map(|step| {
                let mut lines = vec![format!("> {}", step.line)];
                let answer = self
                    .step(step)
                    .with_context(|| format!("step `{}`", step.line));
                match answer {
                    Ok(answer) => lines.extend(answer),
                    Err(error) => lines.push(format!("\\ {error:#}")),
                }
                Ok(lines)
            })
            .collect()
    }

    fn step(&mut self, step: &Step) -> Result<Vec<String>> {
        match &step.kind {
            Kind::Cli(words) => self.cli(step, words),
            Kind::Http(method, target) => self.http(step, method, target),
            Kind::Tree(path) => Ok(disk::list(&self.place.work.join(self.put_in(path)))),
            Kind::Start(words) => self.start(step, words),
            Kind::Stop => self.stop(step),
            Kind::Remove(path) => {
                let path = self.place.work.join(self.put_in(path));
                if path.is_dir() {
                    fs::remove_dir_all(path)?;
                } else {
                    fs::remove_file(path)?;
                }
                Ok(Vec::new())
            }
            Kind::Write(path, text) => {
                let path = self.place.work.join(self.put_in(path));
                fixtures::write(&path, &fixtures::bytes(&self.put_in(text))?)?;
                Ok(Vec::new())
            }
        }
    }

    fn put_in(&self, text: &str) -> String {
        substitute(text, &self.vars)
    }

    fn words(&self, words: &[String]) -> Vec<OsString> {
        words.iter().map(|word| self.put_in(word).into()).collect()
    }

    fn env(&self, step: &Step) -> BTreeMap<String, String> {
        let mut env = self.side.env(&self.place.repo);
        for (name, value) in &step.env {
            env.insert(name.clone(), self.put_in(value));
        }
        env
    }

    fn cli(&mut self, step: &Step, words: &[String]) -> Result<Vec<String>> {
        let args = self.words(words);
        let env = self.env(step);
        let stdin = step.stdin.as_ref().map(|stdin| self.put_in(stdin));
        let stdin = stdin.as_deref().map(fixtures::bytes).transpose()?;
        let names_api = words.iter().any(|word| word.starts_with("--api"));
        let sent = match (&self.side.client, self.shared.and_then(|daemon| daemon.api)) {
            (Some(client), Some(port)) if !names_api => {
                // The other binary's command line, on no repo of its own.
                let mut env = env.clone();
                env.insert("IPFS_PATH".to_owned(), self.put_in("{work}/no-repo"));
                let mut args = args.clone();
                args.insert(0, format!("--api=/ip4/127.0.0.1/tcp/{port}").into());
                let command = cli::command(client, &env, &self.place.work);
                let ended = cli::run(command, &args, stdin.as_deref())?;
                let kept = String::from_utf8_lossy(&ended.stderr).contains(NOT_FOR_DAEMONS);
                (!kept).then_some(ended)
            }
            _ => None,
        };
        let ended = match sent {
            Some(ended) => ended,
            None => {
                let command = cli::command(&self.side.bin, &env, &self.place.work);
                cli::run(command, &args, stdin.as_deref())?
            }
        };
        self.capture(step, &ended.stdout)?;
        Ok(answer::cli(&ended, &step.rules, &self.places()))
    }

    fn http(&mut self, step: &Step, method: &str, target: &str) -> Result<Vec<String>> {
        let daemon = self.daemon().context("there is no daemon")?;
        let port = match step.gateway {
            true => daemon.gateway.context("there is no gateway")?,
            false => daemon.api.context("there is no daemon")?,
        };
        let mut request = Request {
            method: method.to_owned(),
            target: self.put_in(target).replace(' ', "%20"),
            headers: Vec::new(),
            body: step
                .body
                .as_ref()
                .map(|body| self.put_in(body).into_bytes()),
        };
        for (name, value) in &step.headers {
            request.headers.push((name.clone(), self.put_in(value)));
        }
        if let Some(parts) = &step.parts {
            request.body = Some(self.multipart(parts)?);
            let form = format!("multipart/form-data; boundary={BOUNDARY}");
            request.headers.push(("Content-Type".to_owned(), form));
        }
        // These never end by themselves.
        let head_only = target.starts_with("/api/v0/log/tail");
        let response = http::send(port, &request, head_only)?;
        self.capture(step, &response.body)?;
        let headers = match step.gateway {
            true => answer::gateway_headers(&request),
            false => &answer::HEADERS,
        };
        Ok(answer::http(
            &response,
            headers,
            &step.rules,
            &self.places(),
        ))
    }

    fn multipart(&self, parts: &[Part]) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        for part in parts {
            let name = self.put_in(part.name.as_deref().unwrap_or("file"));
            let mut head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
            if let Some(filename) = &part.filename {
                head += &format!("; filename=\"{}\"", self.put_in(filename));
            }
            let kind = part.content_type.as_deref();
            head += &format!(
                "\r\nContent-Type: {}",
                kind.unwrap_or("application/octet-stream")
            );
            for (name, value) in &part.headers {
                head += &format!("\r\n{name}: {}", self.put_in(value));
            }
            head += "\r\n\r\n";
            body.extend_from_slice(head.as_bytes());
            match &part.file {
                Some(file) => body.extend(fs::read(self.place.work.join(self.put_in(file)))?),
                None => body.extend_from_slice(self.put_in(&part.text).as_bytes()),
            }
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        Ok(body)
    }

    fn start(&mut self, step: &Step, words: &[String]) -> Result<Vec<String>> {
        let command = cli::command(&self.side.bin, &self.env(step), &self.place.work);
        match Daemon::start(command, &self.words(words), &self.place.repo)? {
            Started::Ended(ended) => Ok(answer::cli(&ended, &step.rules, &self.places())),
            Started::Ready(mut daemon) => {
                let stdout = daemon.news();
                self.own = Some(daemon);
                self.set_ports();
                self.capture(step, &stdout)?;
                let mut lines = vec!["ready".to_owned()];
                let output = crate::mask::output(&stdout, &step.rules, &self.places());
                lines.extend(output.into_iter().map(|line| format!("| {line}")));
                Ok(lines)
            }
        }
    }

    fn stop(&mut self, step: &Step) -> Result<Vec<String>> {
        let ended = self
            .own
            .take()
            .context("there is no daemon to stop")?
            .stop()?;
        Ok(answer::cli(&ended, &step.rules, &self.places()))
    }

    fn capture(&mut self, step: &Step, output: &[u8]) -> Result<()> {
        let Some(name) = &step.capture else {
            return Ok(());
        };
        if let Some(path) = name.strip_prefix('@') {
            return fixtures::write(&self.place.work.join(path), output);
        }
        let text = String::from_utf8_lossy(output).trim().to_owned();
        self.vars.insert(name.clone(), text);
        Ok(())
    }
}

/// Ends every part of a multipart body; no content of the cases holds it.
const BOUNDARY: &str = "----interop-boundary-7d1f";
