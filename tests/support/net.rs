//! Addresses that nobody else uses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// An address of 127.0.0.0/8 that this process has not handed out before. Others may get the same one, so ports
/// are still picked by the kernel; but a port that was free on it a moment ago is so most likely now.
pub fn fresh_ip() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // 1 to 250 in the last byte: neither the network's own address nor its broadcast.
    let (high, low) = ((number / 250) as u8, (number % 250) as u8 + 1);
    // The second byte tells processes apart that run at the same time; 127.0 and 127.255 are left to others.
    let process = 1 + (std::process::id() % 254) as u8;
    IpAddr::V4(Ipv4Addr::new(127, process, high, low))
}

/// A free port on a fresh address, for servers that cannot pick one themselves.
pub fn free_address() -> SocketAddr {
    free_port(fresh_ip())
}

/// A free port on this address.
///
/// # Panics
/// When there is none.
pub fn free_port(ip: IpAddr) -> SocketAddr {
    let listener =
        TcpListener::bind((ip, 0)).unwrap_or_else(|error| panic!("no free port on {ip}: {error}"));
    listener
        .local_addr()
        .expect("a bound listener has an address")
}
