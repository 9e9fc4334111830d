//! Serves one page and the module that is embedded in this program, with the two headers without which no browser gives a page
//! a shared memory.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

const MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/module.wasm"));
const PAGE: &[u8] = include_bytes!("page.html");

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("http://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        // Whoever hangs up in the middle is not missed.
        let _ = stream.and_then(answer);
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, kind, body) = match request.split(' ').nth(1) {
        Some("/") => ("200 OK", "text/html; charset=utf-8", PAGE),
        Some("/module.wasm") => ("200 OK", "application/wasm", MODULE),
        _ => ("404 Not Found", "text/plain", &b"not found\n"[..]),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}
