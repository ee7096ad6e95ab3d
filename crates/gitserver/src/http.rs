//! As much of HTTP/1.1 as `git` speaks: one request a connection.

use std::io::{self, Read, Write};

/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Reads all of a request; none where the client says nothing.
    pub(crate) fn read(stream: &mut impl ReadWrite) -> io::Result<Option<Self>> {
        let mut reader = Buffered { stream, bytes: Vec::new() };
        let Some(end) = reader.until(b"\r\n\r\n", HEAD_BYTES_MAX)? else { return Ok(None) };
        let head = String::from_utf8_lossy(&reader.take(end)).into_owned();
        let mut lines = head.trim_end().split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let mut request = Self { method, target, headers: headers.collect(), body: Vec::new() };
        if request.header("expect").is_some() {
            reader.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = match request.header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(io::Error::other)?;
                reader.exactly(length)?
            }
            None if request.header("transfer-encoding").is_some() => reader.chunks()?,
            None => Vec::new(),
        };
        Ok(Some(request))
    }

    /// Where the target names a server, as it does to a proxy, that part goes.
    pub(crate) fn leave_proxy(&mut self) -> bool {
        let Some(rest) = self.target.strip_prefix("http://") else { return false };
        self.target = rest.find('/').map_or("/", |at| &rest[at..]).to_owned();
        true
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&String> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

pub(crate) trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

struct Buffered<'a, S> {
    stream: &'a mut S,
    bytes: Vec<u8>,
}

impl<S: ReadWrite> Buffered<'_, S> {
    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer)?;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }

    /// How many bytes there are up to the end of a pattern.
    fn until(&mut self, pattern: &[u8], bytes_max: usize) -> io::Result<Option<usize>> {
        loop {
            let found = self.bytes.windows(pattern.len()).position(|window| window == pattern);
            if let Some(found) = found {
                return Ok(Some(found + pattern.len()));
            }
            if self.bytes.len() > bytes_max || !self.more()? {
                return Ok(None);
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.bytes.split_off(count);
        std::mem::replace(&mut self.bytes, rest)
    }

    fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.bytes.len() < count {
            if !self.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.take(count))
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n", 64)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let line = String::from_utf8_lossy(&self.take(line)).into_owned();
            let size = line.trim().split(';').next().unwrap_or_default().to_owned();
            let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
            let chunk = self.exactly(size + 2)?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
}

/// The status line with headers, and the body, of what a CGI program has said.
pub(crate) fn from_cgi(output: &[u8]) -> (String, Vec<u8>) {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(end) = end else { return ("500 Internal Server Error".to_owned(), Vec::new()) };
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let (mut status, mut headers) = ("200 OK".to_owned(), String::new());
    for line in head.split("\r\n") {
        match line.strip_prefix("Status: ") {
            Some(text) => text.clone_into(&mut status),
            None => headers = format!("{headers}\r\n{line}"),
        }
    }
    (status + &headers, output[end + 4..].to_vec())
}

/// Writes an answer and says that it is the last.
pub(crate) fn answer(stream: &mut impl Write, head: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)
}
