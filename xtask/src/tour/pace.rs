//! Time, shortened: a tour at the tutorial's pace takes an hour.
//!
//! Files say what they say. What is shortened is what the programs beside the server do: how long a load lasts,
//! how often metrics are read, and over which time Prometheus looks when it is asked. That last one is written
//! in the queries, so they pass through here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

/// By how much time is shortened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace(u32);

impl Pace {
    pub(super) fn new(times: u32) -> Self {
        Self(times)
    }

    /// How long takes what takes so long in the tutorial.
    pub(super) fn of(self, length: Duration) -> Duration {
        length / self.0
    }

    /// By how much.
    pub(super) fn times(self) -> u32 {
        self.0
    }

    /// The same for a body that was encoded as a form: each `[120s]` in it is `%5B120s%5D`.
    fn of_ranges(self, form: &str) -> String {
        let mut pieces = form.split("%5B");
        let mut paced = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            paced.push_str("%5B");
            let range = piece.split_once("s%5D").and_then(|(seconds, rest)| {
                Some((Duration::from_secs(seconds.parse().ok()?), rest))
            });
            match range {
                Some((range, rest)) => {
                    let millis = self.of(range).as_millis();
                    paced.push_str(&format!("{millis}ms%5D{rest}"));
                }
                None => paced.push_str(piece),
            }
        }
        paced
    }
}

/// What stands between the server and a Prometheus. It goes with the process.
pub(super) struct Between {
    pub(super) address: SocketAddr,
    prometheus: Arc<Mutex<Option<SocketAddr>>>,
}

impl Between {
    pub(super) fn new(pace: Pace) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let prometheus = Arc::new(Mutex::new(None));
        let known = Arc::clone(&prometheus);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let there = *known.lock().unwrap_or_else(PoisonError::into_inner);
                // Who asks too early, or goes away, finds out by himself.
                std::thread::spawn(move || drop(there.map(|there| pass_on(&client, there, pace))));
            }
        });
        Ok(Self { address, prometheus })
    }

    /// Where the Prometheus is, from now on.
    pub(super) fn leads_to(&self, prometheus: SocketAddr) {
        *self.prometheus.lock().unwrap_or_else(PoisonError::into_inner) = Some(prometheus);
    }
}

/// One request and its answer.
fn pass_on(client: &TcpStream, prometheus: SocketAddr, pace: Pace) -> Result<()> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        } else if line.trim().is_empty() {
            break;
        } else if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = pace.of_ranges(&String::from_utf8(body)?);
    let mut there = TcpStream::connect(prometheus)?;
    let length = body.len();
    write!(there, "{head}connection: close\r\ncontent-length: {length}\r\n\r\n{body}")?;
    std::io::copy(&mut there, &mut &*client)?;
    client.shutdown(Shutdown::Both)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_shortened_and_nothing_else() {
        let pace = Pace::new(20);
        for (form, paced) in [
            (
                "query=rate%28x%5B120s%5D%29%2Frate%28y%5B60s%5D%29&time=5",
                "query=rate%28x%5B6000ms%5D%29%2Frate%28y%5B3000ms%5D%29&time=5",
            ),
            ("query=x%7Ba%3D%22%5B5s%22%7D", "query=x%7Ba%3D%22%5B5s%22%7D"),
            ("query=%5Bs%5D120s", "query=%5Bs%5D120s"),
            ("", ""),
        ] {
            assert_eq!(pace.of_ranges(form), paced);
        }
    }
}
