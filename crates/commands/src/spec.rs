/// The type of an option's value, under the names that Kubo's table uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `bool`; absent means false unless the default says otherwise.
    Bool,
    /// `int`, 32 bits.
    Int,
    /// `uint`, 32 bits.
    Uint,
    /// `int64`.
    Int64,
    /// `uint64`.
    Uint64,
    /// `string`.
    String,
    /// `array`: a string that may be given several times.
    Strings,
}

impl Kind {
    /// The name in help, in errors and in Kubo's table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Int64 => "int64",
            Self::Uint64 => "uint64",
            Self::String => "string",
            Self::Strings => "array",
        }
    }
}

/// An option of a command.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Names, the main one first; one letter means `-x`.
    pub names: &'static [&'static str],
    /// The type of the value.
    pub kind: Kind,
    /// The default, as it would be typed.
    pub default: Option<&'static str>,
    /// One sentence of help.
    pub about: &'static str,
}

impl Opt {
    /// The main name.
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }
}

/// An argument of a command.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// The name in help and errors.
    pub name: &'static str,
    /// One sentence of help.
    pub about: &'static str,
    /// Whether the argument names a file whose content is sent.
    pub file: bool,
    /// Whether the command fails without it.
    pub required: bool,
    /// Whether it may be given several times.
    pub variadic: bool,
    /// Whether standard input stands in for it.
    pub stdin: bool,
    /// Whether a directory may be given.
    pub recursive: bool,
}

impl Arg {
    const fn base(name: &'static str, about: &'static str, file: bool, required: bool) -> Self {
        Self {
            name,
            about,
            file,
            required,
            variadic: false,
            stdin: false,
            recursive: false,
        }
    }
    /// A string that must be given.
    pub const fn required(name: &'static str, about: &'static str) -> Self {
        Self::base(name, about, false, true)
    }
    /// A string that may be given.
    pub const fn optional(name: &'static str, about: &'static str) -> Self {
        Self::base(name, about, false, false)
    }
    /// A file that must be given.
    pub const fn file(name: &'static str, about: &'static str) -> Self {
        Self::base(name, about, true, true)
    }
    /// The argument may be given several times.
    pub const fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }
    /// Standard input stands in for the argument.
    pub const fn stdin(mut self) -> Self {
        self.stdin = true;
        self
    }
    /// Directories may be given.
    pub const fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }
    /// The argument may be left out.
    pub const fn not_required(mut self) -> Self {
        self.required = false;
        self
    }
}

/// How far a command may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Like any other.
    #[default]
    Active,
    /// May change.
    Experimental,
    /// Works, and will go.
    Deprecated,
    /// Answers with an error that says what to use.
    Removed,
}

/// What help says of a command, and where it runs.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// One sentence without a final full stop's need.
    pub tagline: &'static str,
    /// The description below the options; may be empty.
    pub text: &'static str,
    /// How far it may be relied on.
    pub status: Status,
    /// Whether the RPC offers it.
    pub rpc: bool,
    /// Whether it runs without a daemon.
    pub local: bool,
    /// Whether it reads the repo; those that don't run in the CLI even when a daemon is up.
    pub repo: bool,
    /// Whether events have a text form; without one the CLI prints JSON.
    pub text_form: bool,
    /// Whether the CLI prints the text whatever `--enc` says.
    pub text_only: bool,
    /// Whether arguments are arbitrary bytes, which requests carry as base64url with its multibase
    /// letter; the command line does that to what it is given.
    pub binary_args: bool,
}

impl About {
    /// An active command that runs anywhere and uses the repo.
    pub const fn new(tagline: &'static str) -> Self {
        Self {
            tagline,
            text: "",
            status: Status::Active,
            rpc: true,
            local: true,
            repo: true,
            text_form: true,
            text_only: false,
            binary_args: false,
        }
    }
    /// The long description.
    pub const fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }
    /// Sets the status.
    pub const fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }
    /// The RPC does not offer it.
    pub const fn client_only(mut self) -> Self {
        self.rpc = false;
        self
    }
    /// It needs a running daemon.
    pub const fn daemon_only(mut self) -> Self {
        self.local = false;
        self
    }
    /// Its arguments are arbitrary bytes.
    pub const fn binary_args(mut self) -> Self {
        self.binary_args = true;
        self
    }
    /// It does not read the repo.
    pub const fn no_repo(mut self) -> Self {
        self.repo = false;
        self
    }
    /// On the command line its events are always text.
    pub const fn text_only(mut self) -> Self {
        self.text_only = true;
        self
    }
    /// Its events have no text form.
    pub const fn no_text(mut self) -> Self {
        self.text_form = false;
        self
    }
}

/// A command as the table shows it.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The path with slashes, as in the RPC: `pin/ls`.
    pub path: &'static str,
    /// Help and place.
    pub about: About,
    /// Arguments in order.
    pub args: &'static [Arg],
    /// Options in the order of help.
    pub options: &'static [Opt],
}
