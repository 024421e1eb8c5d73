//! What a command is, and how the table holds commands of different types.

use std::any::Any;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt::repo::go_json;
use serde::{Serialize, de::DeserializeOwned};

use crate::files::{Files, Lines};
use crate::options::{Globals, OptionSet, Parsed};
use crate::{
    About, Arg, Context, Error, Frame, Output, Reply, Request, Result, Spec, Terminal, xml,
};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One line of JSON an event.
    Json,
    /// The command's own text.
    Text,
    /// The elements of an event.
    Xml,
}

/// What a request says apart from its body.
#[derive(Debug)]
pub struct Meta {
    /// Arguments that were given; those of a body come through [`Call::next_arg`].
    pub args: Vec<String>,
    /// The options of the command.
    pub parsed: Parsed,
    /// The options that every command takes.
    pub globals: Globals,
    /// What the request waits for, while it does.
    pub waits: basalt::Waits,
}

/// What a command is asked, for those who show its events.
pub struct View<O> {
    /// The command's options.
    pub options: O,
    /// The request.
    pub meta: Arc<Meta>,
}

/// What a command is asked.
pub struct Call<O> {
    /// The command's options.
    pub options: O,
    /// The request.
    pub meta: Arc<Meta>,
    /// The node and the process around it.
    pub ctx: Context,
    /// The files of the request.
    pub files: Option<Box<dyn Files>>,
    lines: Option<Lines>,
    next: usize,
}

impl<O> Call<O> {
    /// The next argument: first those given, then those in the body.
    pub async fn next_arg(&mut self) -> Result<Option<String>> {
        if let Some(arg) = self.meta.args.get(self.next) {
            self.next += 1;
            return Ok(Some(arg.clone()));
        }
        match &mut self.lines {
            Some(lines) => lines.next().await,
            None => Ok(None),
        }
    }

    /// Every argument that is left.
    pub async fn all_args(&mut self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        while let Some(arg) = self.next_arg().await? {
            all.push(arg);
        }
        Ok(all)
    }

    /// The files of the request, which the table says are required.
    pub fn take_files(&mut self) -> Result<Box<dyn Files>> {
        self.files
            .take()
            .ok_or_else(|| Error::client("file argument is required"))
    }
}

/// One command.
#[async_trait]
pub trait Command: Send + Sync + 'static {
    /// Its options.
    type Options: OptionSet;
    /// What it sends; the RPC writes it as JSON.
    type Event: Serialize + DeserializeOwned + Send + 'static;
    /// What [`Command::text`] remembers between events.
    type State: Default + Send;

    /// The path with slashes.
    const PATH: &'static str;
    /// Help and place.
    const ABOUT: About;
    /// Arguments in order.
    const ARGS: &'static [Arg] = &[];

    /// Where events are parts of one JSON object with one list in it: the list's name. A client of the
    /// RPC then shows its rows as they come.
    const LIST: Option<&'static str> = None;

    /// Does the work, sending events or bytes.
    async fn run(call: Call<Self::Options>, out: Output<Self::Event>) -> Result<()>;

    /// Writes an event as text.
    fn text(
        _view: &View<Self::Options>,
        _state: &mut Self::State,
        event: Self::Event,
        w: &mut dyn Write,
    ) -> Result<()> {
        write_line(w, &event)
    }

    /// Writes an event as JSON. A command whose answer is one value, sent in parts, notes in
    /// `begun` what [`Command::json_end`] has to know.
    fn json(_begun: &mut bool, event: &Self::Event, w: &mut dyn Write) -> Result<()> {
        write_line(w, event)
    }

    /// Writes what is left at the end of JSON.
    fn json_end(_begun: bool, _w: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// Writes what is left at the end of the text.
    fn text_end(
        _view: &View<Self::Options>,
        _state: &mut Self::State,
        _w: &mut dyn Write,
    ) -> Result<()> {
        Ok(())
    }

    /// Shows the output on a terminal: progress, files written to disk.
    async fn show(
        view: &View<Self::Options>,
        events: Events<Self::Event>,
        term: &mut Terminal,
    ) -> Result<()>
    where
        Self: Sized,
    {
        show_plain::<Self>(view, events, term).await
    }
}

/// Shows output as it comes: text or JSON on standard output.
pub(crate) async fn show_plain<C: Command>(
    view: &View<C::Options>,
    mut events: Events<C::Event>,
    term: &mut Terminal,
) -> Result<()> {
    let (mut state, mut begun) = (C::State::default(), false);
    let asked = encoding_of(&view.meta.globals, C::ABOUT.text_form)?;
    let text = asked == Encoding::Text || C::ABOUT.text_only;
    // One value of JSON, of which there may be a part so far.
    let mut json = Vec::new();
    loop {
        match events.next().await {
            Ok(Some(Out::Bytes(bytes))) => term.out.write_all(&bytes)?,
            Ok(Some(Out::Event(event))) => {
                let written = match (text, asked) {
                    (true, _) => C::text(view, &mut state, event, &mut term.out),
                    (_, Encoding::Xml) => {
                        let parts = C::json(&mut begun, &event, &mut json);
                        parts.and_then(|()| whole_values::<C>(&mut json, &mut term.out))
                    }
                    _ => C::json(&mut begun, &event, &mut term.out),
                };
                // Standard output is flushed when a line may be awaited by a reader.
                if !events.more() {
                    term.out.flush()?;
                }
                written?;
            }
            Ok(Some(Out::Length(_))) => {}
            end => {
                match (text, asked) {
                    (true, _) => C::text_end(view, &mut state, &mut term.out)?,
                    (_, Encoding::Xml) => {
                        C::json_end(begun, &mut json)?;
                        whole_values::<C>(&mut json, &mut term.out)?;
                    }
                    _ => C::json_end(begun, &mut term.out)?,
                }
                term.out.flush()?;
                return end.map(|_| ());
            }
        }
    }
}

/// Writes one line of JSON as Go's encoder does.
pub(crate) fn write_line<E: Serialize>(mut w: impl Write, event: &E) -> Result<()> {
    go_json::to_writer(&mut w, event)?;
    w.write_all(b"\n")?;
    Ok(())
}

/// Writes the values in `json` as XML, each of which ends with its line, and leaves a part of one.
fn whole_values<C: Command>(json: &mut Vec<u8>, mut w: impl Write) -> Result<()> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(len) = json[at..].iter().position(|b| *b == b'\n') {
        xml::write(C::PATH, &json[at..at + len], &mut out)?;
        at += len + 1;
    }
    json.drain(..at);
    w.write_all(&out)?;
    Ok(())
}

/// The encoding that a request asks for.
pub(crate) fn encoding_of(globals: &Globals, text_form: bool) -> Result<Encoding> {
    match globals.encoding.as_deref() {
        Some("json") => Ok(Encoding::Json),
        Some("xml") => Ok(Encoding::Xml),
        Some("text" | "") | None if text_form => Ok(Encoding::Text),
        Some("text" | "") | None => Ok(Encoding::Json),
        Some(other) => Err(Error::client(format!("invalid encoding: {other}"))),
    }
}

/// A piece of output, typed.
pub enum Out<E> {
    /// An event.
    Event(E),
    /// Bytes.
    Bytes(bytes::Bytes),
    /// How many bytes will follow.
    Length(u64),
}

/// The typed output of a running command.
pub struct Events<E> {
    reply: Reply,
    waiting: Option<Result<Option<Frame>>>,
    event: std::marker::PhantomData<fn() -> E>,
}

impl<E: 'static> Events<E> {
    /// Reads a reply as events of type `E`.
    pub fn new(reply: Reply) -> Self {
        Self {
            reply,
            waiting: None,
            event: std::marker::PhantomData,
        }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Out<E>>> {
        loop {
            let frame = match self.waiting.take() {
                Some(frame) => frame?,
                None => self.reply.next().await?,
            };
            return Ok(Some(match frame {
                None => return Ok(None),
                Some(Frame::ContentType(_)) => continue,
                Some(Frame::Bytes(bytes)) => Out::Bytes(bytes),
                Some(Frame::Length(length)) => Out::Length(length),
                Some(Frame::Event(event) | Frame::Single(event)) => match event.downcast::<E>() {
                    Ok(event) => Out::Event(*event),
                    Err(_) => return Err(Error::new("the command sent an event of another type")),
                },
            }));
        }
    }

    /// Whether a further piece is there already.
    fn more(&mut self) -> bool {
        if self.waiting.is_none() {
            self.waiting = self.reply.try_next();
        }
        self.waiting.is_some()
    }
}

/// Writes a command's events in one encoding.
pub trait Encoder: Send {
    /// Appends an event to `out`.
    fn event(&mut self, event: Box<dyn Any + Send>, out: &mut Vec<u8>) -> Result<()>;
    /// Appends what is left at the end.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<()>;
}

/// A command in the table, its types erased.
#[async_trait]
pub trait Entry: Send + Sync {
    /// The command as the table shows it.
    fn spec(&self) -> Spec;
    /// Starts the command.
    fn call(&self, ctx: Context, request: Request) -> Reply;
    /// An encoder of the command's events.
    fn encoder(&self, meta: &Arc<Meta>, encoding: Encoding) -> Box<dyn Encoder>;
    /// The list that its answer consists of, if it may be read row by row.
    fn list_field(&self) -> Option<&'static str>;
    /// Reads an event from one value of JSON.
    fn decode(&self, json: &[u8]) -> Result<Box<dyn Any + Send>>;
    /// Shows the output on a terminal.
    async fn show(&self, meta: Arc<Meta>, reply: Reply, term: &mut Terminal) -> Result<()>;
}

/// Puts a [`Command`] into the table.
pub(crate) struct Erased<C>(pub(crate) std::marker::PhantomData<fn() -> C>);

struct Typed<C: Command> {
    view: View<C::Options>,
    state: C::State,
    begun: bool,
    encoding: Encoding,
    /// JSON that is to be XML, when its value is whole.
    json: Vec<u8>,
}

impl<C: Command> Encoder for Typed<C> {
    fn event(&mut self, event: Box<dyn Any + Send>, out: &mut Vec<u8>) -> Result<()> {
        let event = event
            .downcast::<C::Event>()
            .map_err(|_| Error::new("the command sent an event of another type"))?;
        match self.encoding {
            Encoding::Text => C::text(&self.view, &mut self.state, *event, out),
            Encoding::Json => C::json(&mut self.begun, &event, out),
            Encoding::Xml => {
                C::json(&mut self.begun, &event, &mut self.json)?;
                whole_values::<C>(&mut self.json, out)
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.encoding {
            Encoding::Text => C::text_end(&self.view, &mut self.state, out),
            Encoding::Json => C::json_end(self.begun, out),
            Encoding::Xml => {
                C::json_end(self.begun, &mut self.json)?;
                whole_values::<C>(&mut self.json, out)
            }
        }
    }
}

#[async_trait]
impl<C: Command> Entry for Erased<C> {
    fn spec(&self) -> Spec {
        Spec {
            path: C::PATH,
            about: C::ABOUT,
            args: C::ARGS,
            options: C::Options::SPEC,
        }
    }

    fn list_field(&self) -> Option<&'static str> {
        C::LIST
    }

    fn call(&self, ctx: Context, request: Request) -> Reply {
        Reply::start(move |out| async move {
            let mut call = Call {
                options: C::Options::read(&request.meta.parsed),
                meta: request.meta,
                ctx,
                files: None,
                lines: None,
                next: 0,
            };
            // A command takes files or further arguments from its body, never both.
            if C::ARGS.last().is_some_and(|last| last.stdin && !last.file) {
                call.lines = request.files.map(Lines::new);
            } else {
                call.files = request.files;
            }
            require_args(&mut call, C::ARGS).await?;
            let (limit, waits) = (timeout(&call.meta.globals)?, call.meta.waits.clone());
            let work = waits.during(C::run(call, out));
            match limit {
                None => work.await,
                Some(limit) => match tokio::time::timeout(limit, work).await {
                    Ok(done) => done,
                    Err(_) => Err(Error::deadline_of(&waits)),
                },
            }
        })
    }

    fn encoder(&self, meta: &Arc<Meta>, encoding: Encoding) -> Box<dyn Encoder> {
        let view = View {
            options: C::Options::read(&meta.parsed),
            meta: meta.clone(),
        };
        Box::new(Typed::<C> {
            view,
            state: C::State::default(),
            begun: false,
            encoding,
            json: Vec::new(),
        })
    }

    fn decode(&self, json: &[u8]) -> Result<Box<dyn Any + Send>> {
        match serde_json::from_slice::<C::Event>(json) {
            Ok(event) => Ok(Box::new(event)),
            Err(e) => Err(Error::new(format!(
                "the daemon's answer is not understood: {e}"
            ))),
        }
    }

    async fn show(&self, meta: Arc<Meta>, reply: Reply, term: &mut Terminal) -> Result<()> {
        let view = View {
            options: C::Options::read(&meta.parsed),
            meta,
        };
        C::show(&view, Events::new(reply), term).await
    }
}

/// Takes required arguments that were not given from the body.
async fn require_args<O>(call: &mut Call<O>, args: &[Arg]) -> Result<()> {
    for (at, arg) in args
        .iter()
        .filter(|a| !a.file)
        .take_while(|a| a.required)
        .enumerate()
    {
        if at < call.meta.args.len() {
            continue;
        }
        let from_body = match &mut call.lines {
            Some(lines) if arg.stdin => lines.next().await?,
            _ => None,
        };
        let Some(value) = from_body else {
            return Err(Error::client(format!(
                "argument {:?} is required",
                arg.name
            )));
        };
        let meta = &call.meta;
        let mut args = meta.args.clone();
        args.push(value);
        call.meta = Arc::new(Meta {
            args,
            parsed: meta.parsed.clone(),
            globals: meta.globals.clone(),
            waits: meta.waits.clone(),
        });
    }
    Ok(())
}

fn timeout(globals: &Globals) -> Result<Option<Duration>> {
    globals
        .timeout
        .as_deref()
        .map(|text| crate::parse::duration(text).map_err(Error::client))
        .transpose()
}
