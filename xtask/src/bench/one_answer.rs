//! A server that answers one request, and tells what it was.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

pub(super) struct OneAnswer {
    base_url: String,
    request: JoinHandle<io::Result<String>>,
}

impl OneAnswer {
    /// Listens on loopback, and answers the first request with that JSON.
    pub(super) fn start(answer: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let request = thread::spawn(move || serve(listener.accept()?.0, answer));
        Ok(Self { base_url, request })
    }

    /// Without a slash at the end.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The request, once it has come.
    pub(super) fn request(self) -> io::Result<String> {
        self.request.join().map_err(|_| io::Error::other("the server ended without an answer"))?
    }
}

fn serve(connection: TcpStream, answer: &str) -> io::Result<String> {
    let mut reader = BufReader::new(connection);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.push_str(&body(&request.to_ascii_lowercase(), &mut reader)?);
    let length = answer.len();
    write!(
        reader.get_mut(),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
    )?;
    Ok(request)
}

/// The body behind a head in lower case: of a known length, or in chunks.
fn body(head: &str, reader: &mut impl BufRead) -> io::Result<String> {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    if let Some(length) = length {
        let mut body = vec![0; length.trim().parse().map_err(io::Error::other)?];
        reader.read_exact(&mut body)?;
        return Ok(String::from_utf8_lossy(&body).into_owned());
    }
    let mut body = String::new();
    while head.contains("transfer-encoding: chunked") && !body.ends_with("\r\n0\r\n\r\n") {
        if reader.read_line(&mut body)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn send(request: &str) -> (String, String) {
        let server = OneAnswer::start("{}").unwrap();
        let mut connection = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        (server.request().unwrap(), answer)
    }

    #[test]
    fn a_request_is_answered_and_told() {
        for request in [
            "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ] {
            let (seen, answer) = send(request);
            assert_eq!(seen, request);
            assert!(answer.ends_with("\r\n\r\n{}"), "{answer}");
        }
    }
}
