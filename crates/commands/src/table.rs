//! The table.

use std::marker::PhantomData;

use crate::command::{Entry, Erased};
use crate::commands::{self as c};
use crate::spec::{About, Opt, Status};

/// A group of commands that is not a command itself.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The path with slashes.
    pub path: &'static str,
    /// Help.
    pub about: About,
    /// Options that the commands below it take too.
    pub options: &'static [Opt],
}

/// What stands at a path.
#[derive(Clone, Copy)]
pub enum Place {
    /// A command; it may have commands below it all the same.
    Command(&'static dyn Entry),
    /// A group.
    Group(&'static Group),
}

impl Place {
    /// The help of what stands there.
    pub fn about(&self) -> About {
        match self {
            Self::Command(entry) => entry.spec().about,
            Self::Group(group) => group.about,
        }
    }

    /// The options said there; those above it are accepted there too.
    pub fn options(&self) -> &'static [Opt] {
        match self {
            Self::Command(entry) => entry.spec().options,
            Self::Group(group) => group.options,
        }
    }
}

macro_rules! table {
    ($($command:ty),* $(,)?) => {
        /// Every command.
        pub static COMMANDS: &[&dyn Entry] = &[$(&Erased::<$command>(PhantomData)),*];
    };
}

/// The command or group at `path`, which has slashes: `pin/ls`.
pub fn find(path: &str) -> Option<Place> {
    let command = COMMANDS.iter().find(|entry| entry.spec().path == path);
    command.map(|entry| Place::Command(*entry)).or_else(|| {
        GROUPS
            .iter()
            .find(|group| group.path == path)
            .map(Place::Group)
    })
}

/// The names right below `path` (empty: the top), sorted.
pub fn children(path: &str) -> Vec<&'static str> {
    let below = |full: &'static str| {
        let rest = if path.is_empty() {
            full
        } else {
            full.strip_prefix(path)?.strip_prefix('/')?
        };
        (!rest.contains('/') && !rest.is_empty()).then_some(rest)
    };
    let commands = COMMANDS.iter().map(|entry| entry.spec().path);
    let mut names: Vec<_> = commands
        .chain(GROUPS.iter().map(|g| g.path))
        .filter_map(below)
        .collect();
    names.sort_unstable();
    names
}

const fn group(path: &'static str, tagline: &'static str) -> Group {
    Group {
        path,
        about: About::new(tagline).no_text(),
        options: &[],
    }
}

/// Every group that is not a command itself.
pub static GROUPS: &[Group] = &[
    group("bitswap", "Look at the exchange of blocks with peers."),
    group("block", "Work with raw blocks."),
    group("cid", "Convert CIDs and show what is in them.").about_no_repo(),
    group(
        "commands/completion",
        "Write completion scripts for shells.",
    )
    .about_no_repo(),
    group("config/profile", "Apply profiles to the configuration.").about_text(PROFILES),
    group("dag", "Work with IPLD nodes."),
    group("dht", "Deprecated: use 'ipfs routing'.").about_deprecated(),
    group("diag", "Diagnose the node."),
    group("diag/datastore", "Look at the records of the datastore.")
        .about_text("For tests and repairs. What is in the records may change from version to version.")
        .about_experimental(),
    group("key", "Make and look after the keys of names.").about_text(
        "A key is a name that its holder can publish under: 'ipfs name publish --key=<name>'. The
node's own key is called 'self'; the others are files in the repository's keystore.

Examples:

  > ipfs key gen site
  > ipfs name publish --key=site /ipfs/<cid>
  > ipfs key ls -l",
    ),
    group("files", "Work with the mutable file tree.")
        .about_text(FILES)
        .options(c::files::OPTIONS),
    group("filestore", "Look after blocks that are references to files.").about_text(
        "'ipfs add --nocopy' keeps only where in a file, or behind which URL, the bytes of each block are.
Files that are moved, changed or removed take their blocks with them. The settings
Experimental.FilestoreEnabled and Experimental.UrlstoreEnabled allow it; files must lie below the
folder that the repository is in.",
    ),
    group("log", "Read and set the levels of the daemon's logs."),
    group("multibase", "Encode and decode multibase.").about_no_repo(),
    group("name", "Publish and resolve names.").about_text(
        "A name is the ID of a key ('ipfs key'), or a domain with a DNSLink record. The holder of the key
says what its name means, in signed records that have a number, and an end of their validity. The
default name is the node's own peer ID.

Examples:

  > ipfs name publish /ipfs/<cid>
  Published to k51...: /ipfs/<cid>
  > ipfs name resolve k51...
  /ipfs/<cid>
  > ipfs cat /ipns/k51.../readme.md",
    ),
    group("name/pubsub", "Look after names that are followed through pubsub.").about_experimental(),
    group(
        "object",
        "Deprecated: use 'ipfs dag' and 'ipfs files'. Work with dag-pb nodes.",
    )
    .about_deprecated(),
    Group {
        options: <c::object::patch::Options as crate::OptionSet>::SPEC,
        ..group(
            "object/patch",
            "Deprecated: use 'ipfs files'. Make dag-pb nodes out of others.",
        )
        .about_deprecated()
    },
    group("p2p", "Carry connections to peers, and from them.")
        .about_text("A tunnel is a protocol that one node serves ('ipfs p2p listen') and others use ('ipfs p2p forward').
The setting Experimental.Libp2pStreamMounting allows them.")
        .about_experimental(),
    group("p2p/stream", "Look after the connections that tunnels carry.").about_experimental(),
    group("pin", "Keep blocks from garbage collection."),
    group("pin/remote", "Have pinning services keep content."),
    group("pin/remote/service", "Look after the pinning services that are known."),
    group("provide", "Look at what is announced to other nodes, and announce.").about_experimental(),
    group("pubsub", "Write messages to topics, and read them.").about_experimental(),
    group("repo", "Look after the repository."),
    group("routing", "Ask other nodes who has what and where peers are."),
    group("stats", "Show figures of the node."),
    group("swarm", "Look at the connections to other nodes, and make some."),
    group("swarm/peering", "Look after peers that the node is always connected to.").about_text(
        "The node keeps a connection to each of these peers, and makes a new one when it is lost, at first
soon and then ever less often. Changes last until the daemon ends; Peering.Peers in the config is
where it begins.",
    ),
    group("update", "Install another version of Basalt.")
        .about_text(UPDATE)
        .about_experimental()
        .about_client_only()
        .about_no_repo(),
];

const UPDATE: &str =
    "Versions come from a release server, which is named by an environment variable; there is none
by default. They are checked against their SHA-512, and what they replace can be brought back.

  BASALT_UPDATE_URL   The server's list of releases, in the form of GitHub's API. A server that is
                      not on this machine must be one of https.
  GITHUB_TOKEN        Sent to api.github.com, which then answers more often. GH_TOKEN does the same.
  IPFS_PATH           Programs that were replaced are kept in $IPFS_PATH/old-bin.";

/// Checked against the repo's own list by a test.
const PROFILES: &str = "A profile is a named set of changes. 'ipfs init --profile' takes these too, and those that choose
one of Kubo's databases mean Basalt's own:

  announce-off
  announce-on
  autoconf-off
  autoconf-on
  badgerds
  badgerds-measure
  default-datastore
  default-networking
  flatfs
  flatfs-measure
  legacy-cid-v0
  local-discovery
  lowpower
  pebbleds
  pebbleds-measure
  randomports
  server
  test
  unixfs-v0-2015
  unixfs-v1-2025

See https://github.com/ipfs/kubo/blob/master/docs/config.md#profiles.";

const FILES: &str = "One directory tree whose content can be changed. It begins empty; its root has a CID at any time
('ipfs files stat --hash /'), and all that is in it is kept from garbage collection, without pins.
What was put in with 'ipfs files cp' is fetched as it is read.

A change is durable when its command has answered. With --flush=false it stays in memory until a
flush or the end of the daemon, which is faster for many changes; after Internal.MFSNoFlushLimit
of them 'ipfs files flush' is due.";

impl Group {
    const fn options(mut self, options: &'static [Opt]) -> Self {
        self.options = options;
        self
    }

    const fn about_text(mut self, text: &'static str) -> Self {
        self.about = self.about.text(text);
        self
    }

    const fn about_experimental(mut self) -> Self {
        self.about = self.about.status(Status::Experimental);
        self
    }

    const fn about_deprecated(mut self) -> Self {
        self.about = self.about.status(Status::Deprecated);
        self
    }

    const fn about_client_only(mut self) -> Self {
        self.about.rpc = false;
        self
    }

    const fn about_no_repo(mut self) -> Self {
        self.about.repo = false;
        self
    }
}

table![
    c::add::Add,
    c::bitswap::ledger::Ledger,
    c::bitswap::reprovide::Reprovide,
    c::bitswap::stat::Stat,
    c::bitswap::stat::StatsBitswap,
    c::bitswap::wantlist::Wantlist,
    c::block::get::Get,
    c::block::put::Put,
    c::block::rm::Rm,
    c::block::stat::Stat,
    c::bootstrap::Bootstrap,
    c::bootstrap::add::Add,
    c::bootstrap::list::List,
    c::bootstrap::rm::Rm,
    c::bootstrap::rm::all::All,
    c::cat::Cat,
    c::cid::base32::Base32,
    c::cid::bases::Bases,
    c::cid::codecs::Codecs,
    c::cid::format::Format,
    c::cid::hashes::Hashes,
    c::cid::inspect::Inspect,
    c::commands::Commands,
    c::commands::completion::bash::Bash,
    c::commands::completion::fish::Fish,
    c::commands::completion::zsh::Zsh,
    c::config::Config,
    c::config::edit::Edit,
    c::config::profile::apply::Apply,
    c::config::replace::Replace,
    c::config::show::Show,
    c::daemon::Daemon,
    c::dag::export::Export,
    c::dag::get::Get,
    c::dag::import::Import,
    c::dag::put::Put,
    c::dag::resolve::Resolve,
    c::dag::stat::Stat,
    c::dht::FindPeer,
    c::dht::FindProvs,
    c::dht::Get,
    c::dht::Provide,
    c::dht::Put,
    c::dht::query::Query,
    c::diag::cmds::Cmds,
    c::diag::cmds::clear::Clear,
    c::diag::cmds::set_time::SetTime,
    c::diag::datastore::count::Count,
    c::diag::datastore::get::Get,
    c::diag::datastore::put::Put,
    c::diag::healthy::Healthy,
    c::diag::profile::Collect,
    c::diag::retrieval::Retrieval,
    c::diag::sys::Sys,
    c::files::chcid::Chcid,
    c::files::chmod::Chmod,
    c::files::chroot::Chroot,
    c::files::cp::Cp,
    c::files::flush::Flush,
    c::files::ls::Ls,
    c::files::mkdir::Mkdir,
    c::files::mv::Mv,
    c::files::read::Read,
    c::files::rm::Rm,
    c::files::stat::Stat,
    c::files::touch::Touch,
    c::files::write::Write,
    c::filestore::dups::Dups,
    c::filestore::ls::Ls,
    c::filestore::verify::Verify,
    c::get::Get,
    c::id::Id,
    c::init::Init,
    c::ls::Ls,
    c::key::export::Export,
    c::key::r#gen::Gen,
    c::key::import::Import,
    c::key::ls::List,
    c::key::ls::Ls,
    c::key::rename::Rename,
    c::key::rm::Rm,
    c::key::rotate::Rotate,
    c::key::sign::Sign,
    c::key::verify::Verify,
    c::log::level::Level,
    c::log::ls::Ls,
    c::log::tail::Tail,
    c::mount::Mount,
    c::multibase::decode::Decode,
    c::multibase::encode::Encode,
    c::cid::bases::List,
    c::multibase::transcode::Transcode,
    c::name::get::Get,
    c::name::inspect::Inspect,
    c::name::publish::Publish,
    c::name::pubsub::cancel::Cancel,
    c::name::pubsub::state::State,
    c::name::pubsub::subs::Subs,
    c::name::put::Put,
    c::name::resolve::Resolve,
    c::object::AppendData,
    c::object::Data,
    c::object::Get,
    c::object::Links,
    c::object::New,
    c::object::Put,
    c::object::SetData,
    c::object::Stat,
    c::object::diff::Diff,
    c::object::patch::add_link::AddLink,
    c::object::patch::rm_link::RmLink,
    c::p2p::close::Close,
    c::p2p::forward::Forward,
    c::p2p::listen::Listen,
    c::p2p::ls::Ls,
    c::p2p::stream::close::Close,
    c::p2p::stream::ls::Ls,
    c::pin::add::Add,
    c::pin::ls::Ls,
    c::pin::remote::add::Add,
    c::pin::remote::ls::Ls,
    c::pin::remote::rm::Rm,
    c::pin::remote::service::add::Add,
    c::pin::remote::service::ls::Ls,
    c::pin::remote::service::rm::Rm,
    c::pin::rm::Rm,
    c::pin::update::Update,
    c::pin::verify::Verify,
    c::ping::Ping,
    c::provide::clear::Clear,
    c::provide::once::Once,
    c::provide::stat::Stat,
    c::pubsub::ls::Ls,
    c::pubsub::peers::Peers,
    c::pubsub::r#pub::Pub,
    c::pubsub::reset::Reset,
    c::pubsub::sub::Sub,
    c::refs::Refs,
    c::refs::local::Local,
    c::repo::gc::Gc,
    c::repo::import_kubo::ImportKubo,
    c::refs::local::RepoLs,
    c::repo::migrate::Migrate,
    c::repo::stat::Stat,
    c::repo::verify::Verify,
    c::repo::version::Version,
    c::resolve::Resolve,
    c::routing::find_peer::FindPeer,
    c::routing::find_provs::FindProvs,
    c::routing::get::Get,
    c::routing::provide::Provide,
    c::routing::put::Put,
    c::routing::reprovide::Reprovide,
    c::shutdown::Shutdown,
    c::repo::stat::StatsRepo,
    c::swarm::addrs::Addrs,
    c::swarm::addrs::autonat::AutoNat,
    c::swarm::addrs::listen::Listen,
    c::swarm::addrs::local::Local,
    c::swarm::connect::Connect,
    c::swarm::disconnect::Disconnect,
    c::stats::bw::Bw,
    c::stats::dht::Dht,
    c::provide::stat::StatsProvide,
    c::provide::stat::StatsReprovide,
    c::swarm::filters::Filters,
    c::swarm::filters::add::Add,
    c::swarm::filters::rm::Rm,
    c::swarm::peering::add::Add,
    c::swarm::peering::ls::Ls,
    c::swarm::peering::rm::Rm,
    c::swarm::peers::Peers,
    c::swarm::resources::Resources,
    c::update::check::Check,
    c::update::clean::Clean,
    c::update::install::Install,
    c::update::revert::Revert,
    c::update::versions::Versions,
    c::version::Version,
    c::version::check::Check,
    c::version::deps::Deps,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Status, Value};

    #[test]
    fn every_default_reads_as_its_type() {
        for spec in COMMANDS.iter().map(|entry| entry.spec()) {
            for opt in spec.options {
                if let Some(text) = opt.default {
                    assert!(
                        Value::parse(opt.kind, text).is_ok(),
                        "{} --{}",
                        spec.path,
                        opt.name()
                    );
                }
            }
        }
    }

    #[test]
    fn every_parent_is_in_the_table() {
        for spec in COMMANDS.iter().map(|entry| entry.spec()) {
            if let Some((parent, _)) = spec.path.rsplit_once('/') {
                assert!(find(parent).is_some(), "{parent}");
            }
            assert!(spec.about.status != Status::Removed || !spec.about.tagline.is_empty());
        }
    }
}
