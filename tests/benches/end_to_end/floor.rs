//! The floor: the least that any program can cost that answers with a merged page. It receives the same bodies over
//! kept connections and sends as many bytes as promfetch does, without looking at any of them.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves until it is killed. Arguments: the size of its answer in bytes, then the instances' addresses.
///
/// # Errors
/// When a connection fails.
pub(crate) async fn serve(arguments: &[String]) -> io::Result<()> {
    let [size, addresses @ ..] = arguments else {
        return Err(io::Error::other("size and addresses are needed"));
    };
    let size: usize = size.parse().map_err(io::Error::other)?;
    let mut kept: Vec<(SocketAddr, Option<TcpStream>)> = Vec::new();
    for address in addresses {
        kept.push((address.parse().map_err(io::Error::other)?, None));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    loop {
        let (mut caller, _) = listener.accept().await?;
        caller.set_nodelay(true)?;
        let _ = caller.read(&mut [0; 4096]).await?;
        let mut fetches = JoinSet::new();
        for (address, connection) in kept.drain(..) {
            fetches.spawn(fetch(address, connection));
        }
        let mut bodies = Vec::new();
        for fetched in fetches.join_all().await {
            let (address, connection, body) = fetched?;
            kept.push((address, Some(connection)));
            bodies.push(body);
        }
        caller
            .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            .await?;
        let mut left = size;
        'answer: loop {
            for body in &bodies {
                let part = &body[..body.len().min(left)];
                caller.write_all(part).await?;
                left -= part.len();
                if left == 0 {
                    break 'answer;
                }
            }
        }
        caller.shutdown().await?;
    }
}

#[expect(clippy::print_stdout, reason = "the parent process reads the port")]
fn announce(address: SocketAddr) {
    println!("floor: {address}");
}

async fn fetch(
    address: SocketAddr,
    connection: Option<TcpStream>,
) -> io::Result<(SocketAddr, TcpStream, Vec<u8>)> {
    let mut stream = match connection {
        Some(stream) => stream,
        None => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: floor\r\n\r\n")
        .await?;
    let mut head = Vec::with_capacity(64 << 10);
    let end = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&head[..end]).to_lowercase();
    let length: usize = text
        .split("content-length:")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = Vec::with_capacity(length);
    body.extend_from_slice(&head[end..]);
    let missing = length - body.len();
    let read = (&mut stream)
        .take(missing as u64)
        .read_to_end(&mut body)
        .await?;
    if read == missing {
        Ok((address, stream, body))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
