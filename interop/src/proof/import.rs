//! The import of a repo that real Kubo made: whole, untouched, and the same after any number of
//! SIGKILLs.

mod kubo;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::content::Dice;
use super::program::Program;
use super::settings::Settings;
use super::tally::Tally;
use crate::places;
use kubo::{Facts, fingerprint, init};

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let rounds = settings
        .rounds
        .unwrap_or(if settings.whole { 50 } else { 5 });
    let files = if settings.whole { 2000 } else { 300 };
    let folder = tempfile::Builder::new()
        .prefix("basalt-import-")
        .tempdir_in(&settings.dir)?;
    let folder = folder.path();
    let kubo = Program::new(&places::kubo(), folder.join("kubo"));
    init(&kubo, "test", files, settings.seed)?;
    let facts = Facts::of(&kubo)?;
    let before = fingerprint(&kubo.repo)?;
    let import = Import {
        bin: settings.bin.clone(),
        kubo: kubo.clone(),
    };

    let began = Instant::now();
    let whole = import.target(folder.join("whole"));
    tally.check(
        "a whole run",
        import.finish(&whole).and_then(|()| facts.check(&whole)),
    );
    tally.check("references to files", facts.check_references(&whole));
    let usual = began.elapsed();
    tally.figure("blocks", facts.blocks());
    tally.figure("milliseconds of a whole run", usual.as_millis() as u64);

    let mut dice = Dice::new(settings.seed);
    let (mut early, mut late) = (0, 0);
    for round in 1..=rounds {
        let target = import.target(folder.join(format!("round-{round}")));
        let mut kills = Vec::new();
        let outcome = (|| {
            // One in four is killed again while it goes on.
            for again in 0..1 + u64::from(dice.one_in(4)) {
                let mut most = usual.as_micros() as u64;
                loop {
                    let delay = Duration::from_micros(dice.within(0, most));
                    kills.push(delay);
                    if !import.killed_after(&target, delay)? {
                        break;
                    }
                    // It had ended, so this was no kill.
                    late += 1;
                    most = most.div_ceil(2);
                    if again == 0 {
                        std::fs::remove_dir_all(&target.repo)?;
                    } else {
                        break;
                    }
                }
                early += 1;
                import.check_unfinished(&target)?;
            }
            import.finish(&target)?;
            facts.check(&target)
        })();
        tally.check(&format!("round {round}, killed after {kills:?}"), outcome);
        let _ = std::fs::remove_dir_all(&target.repo);
    }
    tally.figure("rounds", rounds);
    tally.figure("kills", early);
    tally.figure("kills that came too late", late);
    let same = fingerprint(&kubo.repo)? == before;
    tally.check("Kubo's repo is untouched", is(same, "a file has changed"));

    tally.check("again on the finished repo", import.again(&whole, &facts));
    tally.check("damaged and lying blocks", import.damage(folder));
    tally.check("another node's repo is refused", import.other_node(folder));
    tally.check("a running Kubo is named", import.running(&kubo));
    for profile in ["pebbleds", "badgerds"] {
        let outcome = import.through_the_rpc(folder, profile, settings.seed);
        tally.check(&format!("{profile}, through Kubo's RPC"), outcome);
    }
    Ok(())
}

fn is(truth: bool, otherwise: &str) -> Result<()> {
    ensure!(truth, "{otherwise}");
    Ok(())
}

struct Import {
    bin: PathBuf,
    kubo: Program,
}

impl Import {
    fn target(&self, repo: PathBuf) -> Program {
        Program::new(&self.bin, repo)
    }

    fn source(&self) -> &str {
        self.kubo.repo.to_str().unwrap_or_default()
    }

    fn finish(&self, target: &Program) -> Result<()> {
        let said = target.say(&["repo", "import-kubo", self.source()])?;
        ensure!(said.contains("2 keys and 1 IPNS records"), "{said}");
        Ok(())
    }

    /// Whether it had ended by then.
    fn killed_after(&self, target: &Program, delay: Duration) -> Result<bool> {
        let mut command = target.command(&["repo", "import-kubo", self.source()]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        thread::sleep(delay);
        let ended = child.try_wait()?;
        child.kill()?;
        child.wait()?;
        if let Some(status) = ended {
            ensure!(status.success(), "it ended by itself: {status}");
        }
        Ok(ended.is_some())
    }

    /// Between two runs there is a whole repo or none.
    fn check_unfinished(&self, target: &Program) -> Result<()> {
        let said = target.run(&["pin", "ls"])?;
        let whole = target.repo.join("config").exists();
        let told = said.err.contains("import-kubo") || said.err.contains("no IPFS repo found");
        ensure!(
            said.ok == whole && (whole || told),
            "half a repo, config {whole}: {}",
            said.err
        );
        Ok(())
    }

    fn again(&self, target: &Program, facts: &Facts) -> Result<()> {
        let new = self.kubo.repo.with_file_name("new");
        std::fs::write(&new, "added after the first import")?;
        let cid = self
            .kubo
            .say(&["add", "-Q", new.to_str().unwrap_or_default()])?;
        self.finish(target)?;
        let read = target.say(&["cat", cid.trim()])?;
        ensure!(read == "added after the first import", "{read:?}");
        let pins = target.say(&["pin", "ls", "--type=recursive", "--quiet"])?;
        ensure!(pins.contains(cid.trim()), "the new pin is missing");
        facts.check_names(target)
    }

    fn damage(&self, folder: &Path) -> Result<()> {
        let copy = folder.join("damaged");
        copy_tree(&self.kubo.repo, &copy)?;
        let mut blocks = kubo::files(&copy.join("blocks"))?;
        blocks.retain(|path| path.extension().is_some_and(|e| e == "data"));
        let [first, second, third, ..] = &blocks[..] else {
            bail!("too few blocks");
        };
        let mut bytes = std::fs::read(first)?;
        bytes[0] ^= 1;
        std::fs::write(first, bytes)?;
        std::fs::copy(third, second)?;
        let strange = copy.join("blocks/AA/NOTABLOCK.data");
        std::fs::create_dir_all(copy.join("blocks/AA"))?;
        std::fs::write(&strange, "x")?;
        std::fs::write(copy.join("blocks/AA/put-1234"), "half a block")?;

        let target = self.target(folder.join("from-damaged"));
        let said = target.run(&["repo", "import-kubo", copy.to_str().unwrap_or_default()])?;
        ensure!(!said.ok, "it ended well");
        for path in [first, second, &strange] {
            let named = said.out.contains(&format!("damaged: {}:", path.display()));
            ensure!(named, "{} is not named: {}", path.display(), said.out);
        }
        ensure!(!said.out.contains("put-1234"), "{}", said.out);
        ensure!(said.err.contains("3 damaged"), "{}", said.err);
        let local = target.say(&["refs", "local"])?.lines().count();
        let references = kubo::references(&target)?.len();
        let expected = blocks.len() - 2 + references;
        ensure!(references > 0 && local == expected, "{local} of {expected}");
        target.say(&["repo", "verify"])?;
        Ok(())
    }

    fn other_node(&self, folder: &Path) -> Result<()> {
        let target = self.target(folder.join("other"));
        target.say(&["init"])?;
        let said = target.run(&["repo", "import-kubo", self.source()])?;
        ensure!(
            !said.ok && said.err.contains("is that of peer"),
            "{}",
            said.err
        );
        Ok(())
    }

    fn running(&self, kubo: &Program) -> Result<()> {
        let daemon = kubo.daemon(&["--offline"])?;
        let pid = daemon.pid();
        let target = self.target(kubo.repo.with_file_name("running"));
        let said = target.run(&["repo", "import-kubo", self.source()])?;
        drop(daemon);
        let named = said.err.contains(&format!("process {pid}"));
        ensure!(!said.ok && named, "{}", said.err);
        is(!target.repo.exists(), "it left a directory behind")
    }

    fn through_the_rpc(&self, folder: &Path, profile: &str, seed: u64) -> Result<()> {
        let kubo = Program::new(&self.kubo.bin, folder.join(profile));
        init(&kubo, &format!("test,{profile}"), 30, seed)?;
        let facts = Facts::of(&kubo)?;
        let source = kubo.repo.to_str().unwrap_or_default();
        let target = self.target(folder.join(format!("from-{profile}")));
        let said = target.run(&["repo", "import-kubo", source])?;
        ensure!(!said.ok && said.err.contains("--from-api"), "{}", said.err);
        let daemon = kubo.daemon(&["--offline"])?;
        let port = daemon.api.context("Kubo has no RPC")?;
        let api = format!("--from-api=/ip4/127.0.0.1/tcp/{port}");
        target.say(&["repo", "import-kubo", &api, source])?;
        drop(daemon);
        facts.check(&target)
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-r").args([from, to]).status()?;
    is(status.success(), "cp failed")
}
