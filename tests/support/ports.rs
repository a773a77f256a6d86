//! Free ports that no other test takes, in this process or in another.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

/// Ports of one block. The first is held by the test process for as long as it lives, which keeps
/// other processes off the block; the rest are given out.
const BLOCK: u16 = 16;
/// Below the range from which the kernel takes ports for outgoing connections.
const FIRST: u16 = 10_000;
const BLOCKS: u16 = 1_400;

fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

/// The first of `count` neighbouring ports of 127.0.0.1, at most 15, that are free now and that
/// nobody else is given.
pub(crate) fn free_ports(count: u16) -> u16 {
    static HELD: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    assert!(count < BLOCK, "at most {} ports at once", BLOCK - 1);
    let start = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap();
    for at in 0..BLOCKS {
        let first = FIRST + BLOCK * ((start + at) % BLOCKS);
        let Some(guard) = bind(first) else { continue };
        if (1..=count).all(|port| bind(first + port).is_some()) {
            HELD.lock().unwrap().push(guard);
            return first + 1;
        }
    }
    panic!("no {count} neighbouring free ports");
}
