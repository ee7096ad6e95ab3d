//! A Git server on loopback, as a host of repositories elsewhere: `git http-backend` behind HTTP or
//! HTTPS, a token that is asked for, and faults at will. For tests and for the tour; it is not part of
//! the product.

mod http;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use http::{Request, answer};

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It serves.
    #[default]
    Serve,
    /// It hangs up on everybody.
    HangUp,
    /// It takes connections and says nothing until it behaves otherwise.
    Silent,
    /// It serves those who fetch, and hangs up on those who push once it has taken what they sent.
    HangUpAfterPush,
}

/// What the server asks for and offers.
#[derive(Clone, Default)]
pub struct Options {
    /// The user and the token that are asked for at first; anybody may come in where it is not set.
    pub token: Option<(String, String)>,
    /// Speaks TLS.
    #[cfg(feature = "tls")]
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The user and the password of those for whom it is a proxy, which has to be used then.
    pub proxy: Option<(String, String)>,
}

/// A server that runs until it is dropped.
pub struct GitServer {
    address: SocketAddr,
    root: PathBuf,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    root: PathBuf,
    options: Options,
    token: Mutex<Option<(String, String)>>,
    mode: Mutex<Mode>,
    changed: Condvar,
    stopped: AtomicBool,
    fetches: AtomicUsize,
}

impl GitServer {
    /// Serves the bare repositories below a directory on a free port of the loopback.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(root: &Path, options: Options) -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), root, options)
    }

    /// The same, on an address.
    ///
    /// # Errors
    /// The address is taken.
    pub fn start_on(address: SocketAddr, root: &Path, mut options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            token: Mutex::new(options.token.take()),
            options,
            mode: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
            fetches: AtomicUsize::new(0),
        });
        let for_thread = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_thread.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&for_thread);
                // A client that goes away is no fault of the server.
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Ok(Self { address, root: root.to_owned(), shared, accepting: Some(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a repository, without the secret.
    #[must_use]
    pub fn url(&self, repository: &str) -> String {
        let scheme = if self.shared.options.speaks_tls() { "https" } else { "http" };
        format!("{scheme}://{}/{repository}.git", self.address)
    }

    /// Makes an empty repository whose first branch is to be `branch`, and answers with its directory.
    ///
    /// # Panics
    /// `git` does not run.
    pub fn make(&self, repository: &str, branch: &str) -> PathBuf {
        let path = self.root.join(format!("{repository}.git"));
        let status = Command::new("git")
            .args(["init", "--quiet", "--bare", "--initial-branch", branch])
            .arg(&path)
            .stdout(Stdio::null())
            .status()
            .expect("git runs");
        assert!(status.success(), "git init");
        path
    }

    /// Behaves otherwise from now on.
    pub fn set(&self, mode: Mode) {
        *self.shared.mode() = mode;
        self.shared.changed.notify_all();
    }

    /// Asks for another user and token from now on: the one before has been withdrawn.
    pub fn ask_for(&self, user: &str, token: &str) {
        *self.shared.token() = Some((user.to_owned(), token.to_owned()));
    }

    /// How many fetches have begun.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.set(Mode::HangUp);
        // Whoever waits for a connection gets one.
        drop(TcpStream::connect(self.address));
        drop(self.accepting.take().map(JoinHandle::join));
    }
}

impl Options {
    #[cfg(feature = "tls")]
    fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, reason = "it is one question with or without TLS")]
    fn speaks_tls(&self) -> bool {
        false
    }

    #[cfg(feature = "tls")]
    fn wrapped(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let connection = rustls::ServerConnection::new(Arc::clone(config));
        let connection = connection.map_err(io::Error::other)?;
        Ok(Box::new(rustls::StreamOwned::new(connection, stream)))
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unnecessary_wraps, reason = "with TLS there are errors")]
    #[allow(clippy::unused_self, reason = "with TLS there is something to look at")]
    fn wrapped(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(stream))
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self) -> MutexGuard<'_, Option<(String, String)>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut mode = self.mode();
        while *mode == Mode::Silent {
            mode = self.changed.wait(mode).unwrap_or_else(PoisonError::into_inner);
        }
        let mode = *mode;
        if mode == Mode::HangUp {
            return Ok(());
        }
        let mut stream = self.options.wrapped(stream)?;
        let Some(mut request) = Request::read(&mut stream)? else { return Ok(()) };
        if let Some(pair) = &self.options.proxy {
            let asked = request.header("proxy-authorization") == Some(&basic(pair));
            if !asked || !request.leave_proxy() {
                let head =
                    "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"";
                return answer(&mut stream, head, b"");
            }
        }
        let wanted = self.token().as_ref().map(basic);
        if wanted.is_some() && request.header("authorization") != wanted.as_ref() {
            let head = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"";
            return answer(&mut stream, head, b"");
        }
        if request.query().contains("git-upload-pack") {
            self.fetches.fetch_add(1, Ordering::SeqCst);
        }
        let is_push = request.path().ends_with("/git-receive-pack");
        let (head, body) = self.backend(&request)?;
        if mode == Mode::HangUpAfterPush && is_push {
            return Ok(());
        }
        answer(&mut stream, &head, &body)?;
        stream.flush()
    }

    /// Lets `git http-backend` answer, as a CGI program (RFC 3875).
    fn backend(&self, request: &Request) -> io::Result<(String, Vec<u8>)> {
        let mut command = Command::new("git");
        command.arg("http-backend").env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")])
            .envs([("GIT_HTTP_EXPORT_ALL", "1"), ("REMOTE_USER", "somebody")])
            .envs([("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory")])
            .env("GIT_CONFIG_VALUE_0", "*")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("PATH_INFO", request.path())
            .env("QUERY_STRING", request.query())
            .env("REQUEST_METHOD", request.method())
            .env("CONTENT_TYPE", request.header("content-type").map_or("", String::as_str))
            .env("CONTENT_LENGTH", request.body().len().to_string());
        for (header, variable) in
            [("git-protocol", "GIT_PROTOCOL"), ("content-encoding", "HTTP_CONTENT_ENCODING")]
        {
            if let Some(value) = request.header(header) {
                command.env(variable, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().expect("it is piped");
        let body = request.body().to_vec();
        let writing = std::thread::spawn(move || input.write_all(&body));
        let output = child.wait_with_output()?.stdout;
        drop(writing.join());
        Ok(http::from_cgi(&output))
    }
}

fn basic((user, secret): &(String, String)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(arguments: &[&str], url: &str) -> bool {
        let mut command = Command::new("git");
        command.args(arguments).arg(url).env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "true");
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    #[test]
    fn real_git_is_served_and_let_in_by_the_token_only() {
        let root = tempfile::tempdir().unwrap();
        let token = Some(("ada".to_owned(), "hunter2".to_owned()));
        let server =
            GitServer::start(root.path(), Options { token, ..Options::default() }).unwrap();
        server.make("shop", "main");
        let url = server.url("shop");
        assert!(!git(&["ls-remote"], &url));
        let with_token = url.replace("http://", "http://ada:hunter2@");
        assert!(git(&["ls-remote"], &with_token));
        server.set(Mode::HangUp);
        assert!(!git(&["ls-remote"], &with_token));
        server.set(Mode::Serve);
        assert!(git(&["ls-remote"], &with_token));
        assert_eq!(server.fetches(), 2);
    }
}
