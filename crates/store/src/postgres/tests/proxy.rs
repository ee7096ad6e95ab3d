//! A network that breaks where a test wants it to.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Before the next message that is no `COMMIT` gets to the server.
    Statement,
    /// Before the next `COMMIT` gets to the server.
    Before,
    /// Right behind it: nobody knows whether the server reads it.
    Behind,
    /// When the server has answered it, and so many bytes of the answer have passed.
    Answer(usize),
}

#[derive(Default)]
struct State {
    plan: Mutex<VecDeque<Cut>>,
    cuts: AtomicUsize,
    down: AtomicBool,
}

/// Passes everything on to the socket of a server, until it is told not to. Its threads end with the
/// connections, the one that accepts them with the test binary.
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(super) fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.down.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = UnixStream::connect(&socket) else { continue };
                let wire = Arc::new(Wire { client, server, left: Mutex::new(None) });
                let (down, state) = (Arc::clone(&wire), Arc::clone(&shared));
                thread::spawn(move || wire.close_after(wire.up(&state)));
                thread::spawn(move || down.close_after(down.down()));
            }
        });
        Self { port, state }
    }

    /// A connection string through this proxy, made of one that goes to the server itself.
    pub(super) fn through(&self, connection: &str) -> String {
        let rest = connection.split_once(' ').unwrap().1;
        format!("host=127.0.0.1 port={} {rest}", self.port)
    }

    /// The next cuts, in order.
    pub(super) fn plan(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.state.plan.lock().unwrap().extend(cuts);
    }

    /// How many were made.
    pub(super) fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// Whether new connections are turned away.
    pub(super) fn turn_away(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }
}

struct Wire {
    client: TcpStream,
    server: UnixStream,
    /// How many bytes of an answer still pass; none means all.
    left: Mutex<Option<usize>>,
}

impl Wire {
    /// From the client to the server, message by message (protocol 3.0: a kind, but for the first
    /// one, and a length that counts itself).
    fn up(&self, state: &State) -> io::Result<()> {
        let (mut from, mut to) = (&self.client, &self.server);
        to.write_all(&message(from, None)?)?;
        loop {
            let mut kind = [0];
            from.read_exact(&mut kind)?;
            let message = message(from, Some(kind[0]))?;
            let commit = kind == *b"Q" && &message[5..] == b"COMMIT\0";
            match state.next(commit) {
                None => to.write_all(&message)?,
                Some(Cut::Statement | Cut::Before) => return Ok(()),
                Some(Cut::Behind) => return to.write_all(&message),
                Some(Cut::Answer(bytes)) => {
                    *self.left.lock().unwrap() = Some(bytes);
                    to.write_all(&message)?;
                }
            }
        }
    }

    fn down(&self) -> io::Result<()> {
        let (mut from, mut to) = (&self.server, &self.client);
        let mut buffer = [0; 8192];
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            if let Some(left) = *self.left.lock().unwrap() {
                return to.write_all(&buffer[..read.min(left)]);
            }
            to.write_all(&buffer[..read])?;
        }
    }

    fn close_after(&self, _ended: io::Result<()>) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl State {
    /// The cut that is due at this message, if one is.
    fn next(&self, commit: bool) -> Option<Cut> {
        let mut plan = self.plan.lock().unwrap();
        let due = plan.front().is_some_and(|cut| (*cut == Cut::Statement) != commit);
        let cut = if due { plan.pop_front() } else { None };
        self.cuts.fetch_add(usize::from(due), Ordering::SeqCst);
        cut
    }
}

fn message(mut from: impl Read, kind: Option<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut message: Vec<u8> = kind.into_iter().chain(length).collect();
    let body = message.len();
    message.resize(body + u32::from_be_bytes(length) as usize - length.len(), 0);
    from.read_exact(&mut message[body..])?;
    Ok(message)
}
