//! A Postgres of the tests' own, with its files in a directory that goes with it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use postgres::{Client, NoTls};

/// Makes a cluster, starts it, obeys the lines that come in, and cleans up when no more can come:
/// also when the tests have panicked or were killed. Postgres refuses to run as root, so this shell
/// runs as another user then, and everything that needs that user passes through it.
const SUPERVISOR: &str = r#"
trap '' INT HUP PIPE
PATH=$1:$PATH
cd /
dir=$(mktemp -d /tmp/tidegate-postgres.XXXXXX) || exit 1
trap 'pg_ctl --mode=immediate stop >&2; rm -rf "$dir"' EXIT
trap 'exit 1' TERM
exec 2>"$dir/log"
export PGDATA=$dir/data
initdb --no-sync --auth=trust --username=tidegate --encoding=UTF8 --locale=C >&2 || { cat "$dir/log"; exit 1; }
cat >>"$PGDATA/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 200
shared_buffers = 32MB
CONF
pg_ctl --wait --log="$dir/log" start >&2 || { cat "$dir/log"; exit 1; }
echo "ready $dir"
while read -r line; do
  eval "$line" >&2
  echo "done $?"
done
"#;

pub(super) struct Server {
    /// Where its socket is.
    dir: PathBuf,
    /// Lines for the shell, and its answers. The shell ends when this is closed, at the latest when
    /// the test binary ends.
    shell: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    schemas: AtomicUsize,
    _child: Child,
}

impl Server {
    /// The one server of this test binary.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server that a test may treat badly.
    pub(super) fn start() -> Self {
        let bin = programs();
        let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = Command::new(if root { "runuser" } else { "sh" });
        if root {
            command.args(["-u", "postgres", "--", "sh"]);
        }
        let mut child = command
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(bin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("no shell for Postgres: {error}; {SETUP}"));
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let Some(dir) = line.trim_end().strip_prefix("ready ") else {
            let rest: Vec<_> = answers.lines().map_while(Result::ok).collect();
            panic!("Postgres does not start; {SETUP}:\n{line}{}", rest.join("\n"));
        };
        let shell = Mutex::new((child.stdin.take().unwrap(), answers));
        Self { dir: dir.into(), shell, schemas: AtomicUsize::new(0), _child: child }
    }

    /// Where its socket is.
    pub(super) fn socket(&self) -> PathBuf {
        self.dir.join(".s.PGSQL.5432")
    }

    /// A connection string with an empty schema of its own.
    pub(super) fn schema(&self) -> String {
        let base = format!("host={} user=tidegate dbname=postgres", self.dir.display());
        let name = format!("store_{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        let mut client = Client::connect(&base, NoTls).unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        format!("{base} options='-c search_path={name}'")
    }

    /// Runs a line of shell as the user that Postgres runs as.
    pub(super) fn run(&self, line: &str) {
        let mut shell = self.shell.lock().unwrap();
        writeln!(shell.0, "{line}").unwrap();
        let mut answer = String::new();
        shell.1.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done 0\n", "{line}");
    }

    /// Stops the server as a loss of power would, and starts it again.
    pub(super) fn crash(&self) {
        self.run("pg_ctl --mode=immediate stop && pg_ctl --wait --log=$PGDATA/../log start");
    }
}

const SETUP: &str = "`cargo xtask setup` installs what the tests need";

/// The newest Postgres of this machine. Debian keeps each version in a folder of its own.
fn programs() -> PathBuf {
    let folders = ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"];
    let versions = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let newest = versions
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let number = name.strip_prefix("postgresql@").unwrap_or(name);
            Some((number.parse::<u32>().ok()?, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max();
    if let Some((_, bin)) = newest {
        return bin;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .unwrap_or_else(|| panic!("there is no Postgres on this machine; {SETUP}"))
}

#[test]
fn a_server_is_gone_when_nobody_holds_it() {
    let server = Server::start();
    let dir = server.dir.clone();
    assert!(dir.exists());
    let Server { shell, _child: mut child, .. } = server;
    drop(shell);
    child.wait().unwrap();
    assert!(!Path::new(&dir).exists());
}
