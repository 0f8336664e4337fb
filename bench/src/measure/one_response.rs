//! A server that responds to one request, and returns that request.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

pub(crate) struct OneResponse {
    base_url: String,
    request: JoinHandle<io::Result<String>>,
}

impl OneResponse {
    /// Listens on loopback, and responds to the first request with this JSON.
    pub(crate) fn start(response: &'static str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let request = thread::spawn(move || serve(listener.accept()?.0, response));
        Ok(Self { base_url, request })
    }

    /// Without a trailing slash.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Waits for the request.
    pub(crate) fn request(self) -> io::Result<String> {
        self.request.join().map_err(|_| io::Error::other("the server exited without a response"))?
    }
}

fn serve(connection: TcpStream, response: &str) -> io::Result<String> {
    let mut reader = BufReader::new(connection);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.push_str(&body(&request.to_ascii_lowercase(), &mut reader)?);
    let length = response.len();
    write!(
        reader.get_mut(),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{response}"
    )?;
    Ok(request)
}

/// The body after a head in lower case: with a known length, or chunked.
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
        let server = OneResponse::start("{}").unwrap();
        let mut connection = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        (server.request().unwrap(), response)
    }

    #[test]
    fn a_request_gets_its_response_and_is_returned() {
        for request in [
            "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        ] {
            let (seen, response) = send(request);
            assert_eq!(seen, request);
            assert!(response.ends_with("\r\n\r\n{}"), "{response}");
        }
    }
}
