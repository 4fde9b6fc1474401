//! A server that answers everything, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Memory {
    requests: Vec<Request>,
    open: usize,
    most_open: usize,
}

/// A server in this process. Its threads end with it.
#[derive(Debug)]
pub(crate) struct Seen {
    address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
}

impl Seen {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, memory) = (listener.local_addr().unwrap(), Arc::default());
        let seen = Self { address, memory: Arc::clone(&memory) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, memory) = (stream.unwrap(), Arc::clone(&memory));
                thread::spawn(move || {
                    {
                        let mut memory = memory.lock().unwrap();
                        memory.open += 1;
                        memory.most_open = memory.most_open.max(memory.open);
                    }
                    let _closed_by_the_client = converse(stream, &memory);
                    memory.lock().unwrap().open -= 1;
                });
            }
        });
        seen
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests but those that only ask whether it lives.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let memory = self.memory.lock().unwrap();
        memory.requests.iter().filter(|request| request.line != "GET /").cloned().collect()
    }

    /// Most connections that were open at the same time.
    pub(crate) fn most_open(&self) -> usize {
        self.memory.lock().unwrap().most_open
    }
}

fn converse(mut stream: TcpStream, memory: &Mutex<Memory>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        memory.lock().unwrap().requests.push(request);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhere")?;
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { line, headers, body: String::from_utf8(body).unwrap() }))
}
