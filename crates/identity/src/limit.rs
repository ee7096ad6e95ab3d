//! A limit on guessing: wrong credentials only, by the peer's address. A valid token is never turned
//! away, and a missing one is not a wrong one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::Timestamp;

/// Most peers that are remembered; beyond it the one that was idle longest is forgotten.
const PEERS_MAX: usize = 10_000;

/// How fast somebody may guess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Guesses a second, in the long run.
    pub rate: f64,
    /// Guesses at once.
    pub burst: f64,
}

impl Default for Limits {
    /// Keptn 1.4: one a second, two at once.
    fn default() -> Self {
        Self { rate: 1.0, burst: 2.0 }
    }
}

/// A token bucket for each peer.
#[derive(Debug, Default)]
pub struct RateLimit {
    limits: Limits,
    peers: HashMap<IpAddr, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl RateLimit {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, peers: HashMap::new() }
    }

    /// Counts a wrong credential. False where the peer has guessed too often.
    pub fn wrong(&mut self, peer: IpAddr, now: Timestamp) -> bool {
        let Limits { rate, burst } = self.limits;
        let peer = network(peer);
        let fresh = Bucket { left: burst, at: now };
        let bucket = self.peers.get(&peer).copied().unwrap_or(fresh);
        // A clock that was set back gives nothing.
        let idle = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        let left = (bucket.left + idle * rate).min(burst);
        let allowed = left >= 1.0;
        let left = if allowed { left - 1.0 } else { left };
        if self.peers.len() >= PEERS_MAX && !self.peers.contains_key(&peer) {
            self.forget_one();
        }
        self.peers.insert(peer, Bucket { left, at: now.max(bucket.at) });
        allowed
    }

    fn forget_one(&mut self) {
        let oldest = self.peers.iter().min_by_key(|(_, bucket)| bucket.at).map(|(peer, _)| *peer);
        if let Some(peer) = oldest {
            self.peers.remove(&peer);
        }
    }
}

/// One customer of IPv6 has a whole /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => {
                let prefix = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(prefix))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    #[test]
    fn two_guesses_at_once_then_one_a_second() {
        let mut limit = RateLimit::default();
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(limit.wrong(peer, at(0)) && limit.wrong(peer, at(0)));
        assert!(!limit.wrong(peer, at(0)) && !limit.wrong(peer, at(900)));
        assert!(limit.wrong(peer, at(1900)));
        assert!(limit.wrong("10.0.0.2".parse().unwrap(), at(0)), "another peer is another peer");
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_guesses() {
        let mut limit = RateLimit::default();
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(limit.wrong(peer, at(5000)) && limit.wrong(peer, at(5000)));
        assert!(!limit.wrong(peer, at(0)));
        assert!(!limit.wrong(peer, at(5000)));
    }

    #[test]
    fn a_whole_ipv6_network_is_one_peer_and_memory_is_bounded() {
        let mut limit = RateLimit::default();
        let peer = |host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host));
        assert!(limit.wrong(peer(1), at(0)) && limit.wrong(peer(2), at(0)));
        assert!(!limit.wrong(peer(3), at(0)));
        for host in 0..10_100_u32 {
            limit.wrong(IpAddr::V4((0x0a00_0000 + host).into()), at(i64::from(host)));
        }
        assert!(limit.peers.len() <= PEERS_MAX);
    }
}
