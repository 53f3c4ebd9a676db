//! Listeners on this machine: a model's server that sends any bytes, and a port that only counts
//! who comes.

use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of one piece of a stream.
const PIECE_BYTES: usize = 64 * 1024;

/// A model's server: the first request gets these bytes, the later ones `finish`.
pub struct BytesServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl BytesServer {
    pub fn start(reply: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        // The thread ends with the test program: nobody waits for a request that may never come.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that hangs up in the middle is not our concern.
                let _ = serve(stream, &reply, &counted);
            }
        });
        Self { address, requests }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, reply: &[u8], counted: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.to_ascii_lowercase().trim_end().split_once(": ") {
            Some(("content-length", bytes)) => length = bytes.parse().unwrap_or(0),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let finish = br#"{"actions":[{"id":"z","kind":"finish","summary":"done"}]}"#;
    let text = if counted.fetch_add(1, Ordering::SeqCst) == 0 { reply } else { finish };
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
    for piece in text.chunks(PIECE_BYTES) {
        stream.write_all(br#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"finish_reason":null,"delta":{"content":""#)?;
        stream.write_all(&quoted(piece))?;
        stream.write_all(b"\"}}]}\n\n")?;
    }
    let end = json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                      "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    write!(stream, "data: {end}\n\ndata: [DONE]\n\n")?;
    stream.shutdown(std::net::Shutdown::Both)
}

/// The inside of a JSON string. What is not ASCII stays as it is, UTF-8 or not.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(bytes.len() + 16);
    for byte in bytes {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            0..0x20 => quoted.extend(format!("\\u{byte:04x}").into_bytes()),
            byte => quoted.push(*byte),
        }
    }
    quoted
}

/// A port that nobody may reach.
pub struct Tripwire {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Tripwire {
    pub fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        std::thread::spawn(move || {
            for _ in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let tripwire = Self { address, visits };
        // It does notice who comes: ourselves.
        let mut own = TcpStream::connect(address).unwrap();
        let mut end = [0];
        let _ = own.read(&mut end);
        tripwire
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections of others.
    pub fn visits(&self) -> usize {
        // Connections are taken in their order: when our second one is noticed, all before it are.
        let before = self.visits.load(Ordering::SeqCst);
        let mut own = TcpStream::connect(self.address).unwrap();
        let mut end = [0];
        let _ = own.read(&mut end);
        let now = self.visits.load(Ordering::SeqCst).max(before);
        now.saturating_sub(2)
    }
}
