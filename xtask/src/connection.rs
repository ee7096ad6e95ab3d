//! One HTTP connection, one request at a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::server::TOKEN;

/// Nothing that is measured takes so long; what does has met a fault.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `name=value` of each cookie that was set.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { address, stream: BufReader::new(stream) })
    }

    /// JSON of the API, with the token.
    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        self.api("GET", path, "")
    }

    /// JSON to the API, with the token.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.api("POST", path, &body.to_string())
    }

    fn api(&mut self, method: &str, path: &str, body: &str) -> Result<Value> {
        let headers = format!("x-token: {TOKEN}\r\ncontent-type: application/json\r\n");
        let answer = self.send(method, path, &headers, body)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path} was answered {}: {}", answer.status, answer.text());
        }
        Ok(serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// Any request; each of the headers ends with a line break.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Result<Answer> {
        let (host, length) = (self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer().with_context(|| format!("{method} {path}"))
    }

    fn answer(&mut self) -> Result<Answer> {
        let (mut status, mut length, mut cookies, mut line) =
            (0, Some(0), Vec::new(), String::new());
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "the server closed the connection");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.split(' ').next().unwrap_or_default().parse()?;
            } else if let Some((name, value)) = text.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = Some(value.trim().parse()?),
                    // Nothing else is sent in place of a length.
                    "transfer-encoding" => length = None,
                    "set-cookie" => {
                        cookies.extend(value.trim().split(';').next().map(str::to_owned));
                    }
                    _ => {}
                }
            }
        }
        let mut body = Vec::new();
        match length {
            Some(length) => self.take(length, &mut body)?,
            None => self.chunks(&mut body)?,
        }
        Ok(Answer { status, cookies, body })
    }

    /// A body of chunks (RFC 9112, section 7.1), without trailers.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim_end(), 16)?;
            self.take(length, body)?;
            self.stream.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, length: usize, body: &mut Vec<u8>) -> Result<()> {
        let begin = body.len();
        body.resize(begin + length, 0);
        Ok(self.stream.read_exact(&mut body[begin..])?)
    }
}
